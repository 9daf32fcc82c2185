package sluice.client;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/** A run on a node. */
public final class Run {
  private final Transport transport;
  private final String id;
  private final boolean repeated;

  Run(Transport transport, String id, boolean repeated) {
    this.transport = transport;
    this.id = id;
    this.repeated = repeated;
  }

  /** Its id. */
  public String id() {
    return id;
  }

  /** Whether an earlier submission with the same key had started it. */
  public boolean repeated() {
    return repeated;
  }

  /** The run as it is now. */
  public CompletableFuture<RunInfo> info() {
    return transport.get(path()).thenApply(RunInfo::from);
  }

  /**
   * How it ends. A run that failed completes normally: see {@link Outcome#orThrow}. Fails with RunNotFound, Unauthorized or NodeUnreachable. Cancelling this
   * future ends the waiting; the run goes on.
   */
  public CompletableFuture<Outcome> completion() {
    CompletableFuture<Outcome> done = new CompletableFuture<>();
    events().subscribe(new Flow.Subscriber<>() {
      @Override
      public void onSubscribe(Flow.Subscription subscription) {
        done.whenComplete((outcome, problem) -> subscription.cancel());
        subscription.request(Long.MAX_VALUE);
      }

      @Override
      public void onNext(Event event) {}

      @Override
      public void onError(Throwable problem) {
        done.completeExceptionally(problem);
      }

      @Override
      public void onComplete() {
        transport.get(path()).whenComplete((run, problem) -> {
          if (problem != null) {
            done.completeExceptionally(Transport.cause(problem));
          } else {
            done.complete(Outcome.from(run));
          }
        });
      }
    });
    return done;
  }

  /**
   * Its events, old ones first, then as they happen; complete after its last. Each subscriber gets all of them, as many at a time as it requests. Connects
   * again by itself.
   */
  public Flow.Publisher<Event> events() {
    return events(0);
  }

  /** Its events above a cursor. */
  public Flow.Publisher<Event> events(long after) {
    return new EventPublisher(transport, path() + "/events", after, true);
  }

  /** Tells it to stop: nothing incomplete is published. Done when the node knows; {@link #completion} tells of the end. */
  public CompletableFuture<Void> cancel() {
    return transport.post(path() + "/cancel", null, "").thenApply(told -> null);
  }

  /** Its plan: units with their columns, and the edges between them. */
  public CompletableFuture<Map<String, Object>> plan() {
    return transport.get(path() + "/plan");
  }

  private String path() {
    return path(id);
  }

  static String path(String reference) {
    return "/v1/runs/" + escaped(reference);
  }

  static String escaped(String text) {
    return URLEncoder.encode(text, StandardCharsets.UTF_8).replace("+", "%20");
  }

  @Override
  public String toString() {
    return "Run[" + id + "]";
  }
}
