package sluice.client;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/** A {@code sluice node} that can be killed and started again on the same port and state folder. */
final class RealNode implements AutoCloseable {
  private final Path folder;
  private String address = "127.0.0.1:0";
  private Process process;

  RealNode(Path folder) {
    this.folder = folder;
    start();
  }

  void start() {
    String binary = Objects.requireNonNull(System.getenv("SLUICE_BINARY"), "SLUICE_BINARY must be the path of the built program");
    try {
      File log = folder.resolve("node.log").toFile();
      ProcessBuilder builder = new ProcessBuilder(binary, "node", "--json", "--state", state().toString(), "--listen", "127.0.0.1:0", "--http", address);
      process = builder.directory(folder.toFile()).redirectError(ProcessBuilder.Redirect.appendTo(log)).start();
      String line = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)).readLine();
      Map<String, Object> ready = Json.parse(Objects.requireNonNull(line, "the node is not ready: see " + log));
      address = Json.text(ready, "http");
    } catch (IOException problem) {
      throw new UncheckedIOException(problem);
    }
  }

  Path state() {
    return folder.resolve("state");
  }

  String address() {
    return address;
  }

  int port() {
    return Integer.parseInt(address.substring(address.indexOf(':') + 1));
  }

  /** As the kernel does when memory runs out. */
  void kill() {
    process.destroyForcibly();
    waitForEnd();
  }

  private void waitForEnd() {
    try {
      if (!process.waitFor(60, TimeUnit.SECONDS)) {
        throw new IllegalStateException("the node does not end");
      }
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
  }

  @Override
  public void close() {
    process.destroy();
    waitForEnd();
  }
}
