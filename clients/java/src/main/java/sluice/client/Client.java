package sluice.client;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Flow;

/**
 * Talks to one node; any number of threads may use it. Nothing here blocks. Requests are sent again while the node can't be reached: submissions have a
 * key, so there is one run.
 */
public final class Client {
  private final Transport transport;

  private Client(Builder from) {
    Settings settings = new Settings(System::getenv);
    transport = new Transport(settings.address(from.address), settings.token(from.token, from.state), from.patience, from.timeout);
  }

  /** A client of the node that the command line would use: SLUICE_TO, the settings file, or 127.0.0.1:7071. */
  public static Client create() {
    return new Builder().build();
  }

  /** Says more about the node. */
  public static Builder builder() {
    return new Builder();
  }

  /** What a client is made with; what is not given is found as the command line finds it. */
  public static final class Builder {
    private String address;
    private String token;
    private Path state;
    private Duration patience = Duration.ofSeconds(30);
    private Duration timeout = Duration.ofMinutes(2);

    private Builder() {}

    /** HOST:PORT of the node's HTTP API, or a URL. */
    public Builder address(String value) {
      address = value;
      return this;
    }

    /** The token; else SLUICE_TOKEN, or the file in the state folder. */
    public Builder token(String value) {
      token = value;
      return this;
    }

    /** The state folder, whose token is used. */
    public Builder state(Path value) {
      state = value;
      return this;
    }

    /** How long the node may be unreachable until an operation fails with NodeUnreachable; 30 s. */
    public Builder patience(Duration value) {
      patience = value;
      return this;
    }

    /** How long one answer may take; 2 minutes, because planning reads samples of files. More than 20 s. */
    public Builder timeout(Duration value) {
      timeout = value;
      return this;
    }

    /** Makes the client. Throws SluiceException token_exposed, where others can read the token's file. */
    public Client build() {
      return new Client(this);
    }
  }

  /** Submits the pipeline in a file. Fails with PipelineRejected, AlreadyRunning, Unauthorized or NodeUnreachable. */
  public CompletableFuture<Run> submit(Path pipeline) {
    try {
      return submit(Submission.of(pipeline));
    } catch (IOException unreadable) {
      return CompletableFuture.failedFuture(unreadable);
    }
  }

  /** Submits a pipeline. Done when the node has accepted it. Fails also with IdempotencyKeyReused. */
  public CompletableFuture<Run> submit(Submission what) {
    String key = what.key().isEmpty() ? UUID.randomUUID().toString() : what.key();
    // A repeat of our own is none that concerns the caller.
    return transport.post("/v1/runs", what.toJson(), key)
        .thenApply(told -> new Run(transport, Json.text(told, "run"), !what.key().isEmpty() && Boolean.TRUE.equals(told.get("repeated"))));
  }

  /** The plan of a pipeline, which is not run. Fails with PipelineRejected. */
  public CompletableFuture<Map<String, Object>> plan(Submission what) {
    return transport.post("/v1/plan", what.toJson(), "");
  }

  /** A run by its id, a unique prefix of it, its pipeline's name (the newest run) or {@code last}. Fails with RunNotFound. */
  public CompletableFuture<Run> run(String reference) {
    return transport.get(Run.path(reference)).thenApply(found -> new Run(transport, Json.text(found, "id"), false));
  }

  /** A page of runs, the newest first. {@code after}: {@code next} of the page before; null: the first page. */
  public CompletableFuture<RunInfo.Page> runs(String after, int limit) {
    String target = "/v1/runs?limit=" + limit + (after == null ? "" : "&after=" + Run.escaped(after));
    return transport.get(target).thenApply(found -> {
      List<RunInfo> runs = Json.objects(found, "runs").stream().map(RunInfo::from).toList();
      String next = Json.text(found, "next");
      return new RunInfo.Page(runs, next.isEmpty() ? Optional.empty() : Optional.of(next));
    });
  }

  /**
   * The events of all runs above a cursor; never complete. Keep the cursor of the last one that you have dealt with: with it your program goes on after
   * a restart.
   */
  public Flow.Publisher<Event> events(long after) {
    return new EventPublisher(transport, "/v1/events", after, false);
  }
}
