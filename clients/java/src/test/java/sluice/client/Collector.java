package sluice.client;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;

/** A subscriber whose test says how much it requests. */
final class Collector implements Flow.Subscriber<Event> {
  final BlockingQueue<Event> events = new LinkedBlockingQueue<>();
  final CompletableFuture<Void> end = new CompletableFuture<>();
  final long atFirst;
  Flow.Subscription subscription;

  Collector(long atFirst) {
    this.atFirst = atFirst;
  }

  @Override
  public void onSubscribe(Flow.Subscription given) {
    subscription = given;
    if (atFirst > 0) {
      given.request(atFirst);
    }
  }

  @Override
  public void onNext(Event event) {
    events.add(event);
  }

  @Override
  public void onError(Throwable problem) {
    end.completeExceptionally(problem);
  }

  @Override
  public void onComplete() {
    end.complete(null);
  }

  Event next() throws InterruptedException {
    Event event = events.poll(60, TimeUnit.SECONDS);
    if (event == null) {
      throw new AssertionError("no event");
    }
    return event;
  }

  List<String> ids() {
    return new ArrayList<>(events).stream().map(Event::id).toList();
  }
}
