package sluice.client;

import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * Events above a cursor. Asks the node for as many as its subscriber has requested, so nothing waits in memory here; the node answers as soon as
 * there is one. Every request names the last cursor, so after a break none is missing and none comes twice.
 */
final class EventPublisher implements Flow.Publisher<Event> {
  /** How long the node may let a request wait. */
  private static final String WAIT = "20s";
  private static final long MOST = 1000;

  private final Transport transport;
  private final String path;
  private final long after;
  private final boolean ofRun;

  EventPublisher(Transport transport, String path, long after, boolean ofRun) {
    this.transport = transport;
    this.path = path;
    this.after = after;
    this.ofRun = ofRun;
  }

  @Override
  public void subscribe(Flow.Subscriber<? super Event> subscriber) {
    subscriber.onSubscribe(new Subscription(subscriber));
  }

  /** Signals come one after the other: there is one request at a time, and only its answer signals. */
  private final class Subscription implements Flow.Subscription {
    private final Flow.Subscriber<? super Event> subscriber;
    private long cursor = after;
    private long demand = 0;
    private boolean over = false;
    private CompletableFuture<Map<String, Object>> asked;

    Subscription(Flow.Subscriber<? super Event> subscriber) {
      this.subscriber = subscriber;
    }

    @Override
    public void request(long count) {
      synchronized (this) {
        if (over) {
          return;
        }
        if (count > 0) {
          demand = demand + count < 0 ? Long.MAX_VALUE : demand + count;
          if (asked == null) {
            ask();
          }
          return;
        }
        over = true;
      }
      // The rules of Flow want an error for it.
      subscriber.onError(new IllegalArgumentException("request(" + count + "): a subscriber must request at least one event"));
    }

    @Override
    public synchronized void cancel() {
      over = true;
      if (asked != null) {
        asked.cancel(true);
      }
    }

    private void ask() {
      asked = transport.get(path + "?after=" + cursor + "&wait=" + WAIT + "&limit=" + Math.min(demand, MOST));
      asked.whenCompleteAsync(this::deliver);
    }

    private void deliver(Map<String, Object> answer, Throwable problem) {
      if (problem != null) {
        if (finish()) {
          subscriber.onError(Transport.cause(problem));
        }
        return;
      }
      List<Event> events = Json.objects(answer, "events").stream().map(Event::from).toList();
      for (Event event : events) {
        if (!take(event)) {
          return;
        }
        try {
          subscriber.onNext(event);
        } catch (RuntimeException itsOwn) {
          cancel();
          throw itsOwn;
        }
        if (ofRun && event.isLast()) {
          complete();
          return;
        }
      }
      if (ofRun && events.isEmpty() && Boolean.TRUE.equals(answer.get("ended"))) {
        complete();
        return;
      }
      synchronized (this) {
        asked = null;
        if (!over && demand > 0) {
          ask();
        }
      }
    }

    private synchronized boolean take(Event event) {
      if (over) {
        return false;
      }
      cursor = event.cursor();
      if (demand != Long.MAX_VALUE) {
        --demand;
      }
      return true;
    }

    private void complete() {
      if (finish()) {
        subscriber.onComplete();
      }
    }

    private synchronized boolean finish() {
      boolean first = !over;
      over = true;
      return first;
    }
  }
}
