package sluice.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.concurrent.atomic.AtomicInteger;

/** Stands between a client and a node: slow, and cuts connections when so many bytes of answers have passed. */
final class Proxy implements AutoCloseable {
  private final ServerSocket listening = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
  private final int port;
  private final int delayMillis;
  private final int cutAfter;
  private final AtomicInteger cutsLeft;
  final AtomicInteger connections = new AtomicInteger();

  Proxy(int port, int delayMillis, int cutAfter, int cuts) throws IOException {
    this.port = port;
    this.delayMillis = delayMillis;
    this.cutAfter = cutAfter;
    this.cutsLeft = new AtomicInteger(cuts);
    thread(this::accept);
  }

  String address() {
    return "127.0.0.1:" + listening.getLocalPort();
  }

  private void accept() throws IOException {
    while (!listening.isClosed()) {
      Socket client = listening.accept();
      connections.incrementAndGet();
      Socket node = new Socket(InetAddress.getLoopbackAddress(), port);
      thread(() -> forward(client, node, false));
      thread(() -> forward(node, client, true));
    }
  }

  private void forward(Socket from, Socket to, boolean answers) throws IOException {
    try (from; to) {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      byte[] piece = new byte[1000];
      int passed = 0;
      for (int count; (count = in.read(piece)) > 0; passed += count) {
        if (delayMillis > 0) {
          Thread.sleep(delayMillis);  // what makes it slow
        }
        if (answers && passed + count > cutAfter && cutsLeft.getAndUpdate(left -> Math.max(left - 1, 0)) > 0) {
          out.write(piece, 0, Math.max(cutAfter - passed, 0));
          return;
        }
        out.write(piece, 0, count);
        out.flush();
      }
    } catch (InterruptedException interrupted) {
      throw new IOException(interrupted);
    }
  }

  private interface Work {
    void run() throws IOException;
  }

  private static void thread(Work work) {
    Thread made = new Thread(() -> {
      try {
        work.run();
      } catch (IOException gone) {
        // A side has closed.
      }
    });
    made.setDaemon(true);
    made.start();
  }

  @Override
  public void close() throws IOException {
    listening.close();
  }
}
