package sluice.client;

import java.util.List;
import java.util.Map;

/** What went wrong. Futures that fail do so with one of these as the cause of their CompletionException. */
public class SluiceException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private final transient Fault fault;

  SluiceException(Fault fault) {
    super(fault.toString());
    this.fault = fault;
  }

  /** Code, message, hint and place. */
  public Fault fault() {
    return fault;
  }

  /** The fault's code. */
  public String code() {
    return fault.code();
  }

  /** Nobody listens there, or the connection broke and did not come back in time. Whether a request took effect is unknown. */
  public static final class NodeUnreachable extends SluiceException {
    private static final long serialVersionUID = 1L;

    NodeUnreachable(Fault fault) {
      super(fault);
    }

    static NodeUnreachable at(Object address, Throwable why) {
      String reason = why.getMessage() == null ? why.getClass().getSimpleName() : why.getMessage();
      return new NodeUnreachable(new Fault("node_unreachable", "no answer from " + address + ": " + reason,
          "check that a `sluice node` is running there; the address is its --http one", "", "", 0, 0, "external", true));
    }
  }

  /** The token is missing or wrong. */
  public static final class Unauthorized extends SluiceException {
    private static final long serialVersionUID = 1L;

    Unauthorized(Fault fault) {
      super(fault);
    }
  }

  /** There is no such run. */
  public static final class RunNotFound extends SluiceException {
    private static final long serialVersionUID = 1L;

    RunNotFound(Fault fault) {
      super(fault);
    }
  }

  /** A run of the pipeline is active, and it reads incremental sources. */
  public static final class AlreadyRunning extends SluiceException {
    private static final long serialVersionUID = 1L;

    AlreadyRunning(Fault fault) {
      super(fault);
    }
  }

  /** The key of a submission was used for another one. */
  public static final class IdempotencyKeyReused extends SluiceException {
    private static final long serialVersionUID = 1L;

    IdempotencyKeyReused(Fault fault) {
      super(fault);
    }
  }

  /** The pipeline can't be run. */
  public static final class PipelineRejected extends SluiceException {
    private static final long serialVersionUID = 1L;
    private final transient List<Fault> faults;

    PipelineRejected(List<Fault> faults) {
      super(faults.get(0));
      this.faults = List.copyOf(faults);
    }

    /** All faults of the pipeline, each with its place in the file. */
    public List<Fault> faults() {
      return faults;
    }
  }

  /** Thrown by {@link Outcome#orThrow}: the run failed, was cancelled, or loaded with more rejects than allowed. */
  public static final class RunNotSucceeded extends SluiceException {
    private static final long serialVersionUID = 1L;
    private final transient Outcome outcome;

    RunNotSucceeded(Outcome outcome) {
      super(outcome.cause().orElseGet(() -> Fault.of("run_" + outcome.state().text(), "run " + outcome.run() + " ended as "
          + outcome.state().text(), "")));
      this.outcome = outcome;
    }

    /** How the run ended. */
    public Outcome outcome() {
      return outcome;
    }
  }

  /** The exception for the body of a refusal: {"error": {...}, "faults": [...]}. */
  static SluiceException from(Map<String, Object> body) {
    List<Fault> faults = Json.objects(body, "faults").stream().map(Fault::from).toList();
    if (!faults.isEmpty()) {
      return new PipelineRejected(faults);
    }
    Fault fault = Fault.from(Json.object(body, "error"));
    return switch (fault.code()) {
      case "" -> new SluiceException(Fault.of("invalid_answer", "the node's answer is not one of a Sluice node", "check the address"));
      case "unauthorized" -> new Unauthorized(fault);
      case "run_not_found" -> new RunNotFound(fault);
      case "already_running" -> new AlreadyRunning(fault);
      case "idempotency_key_reused" -> new IdempotencyKeyReused(fault);
      default -> new SluiceException(fault);
    };
  }
}
