package sluice.client;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * How a run ended.
 *
 * @param run the run's id
 * @param cause why it did not succeed
 * @param rejected rejected rows
 */
public record Outcome(String run, String pipeline, RunState state, Optional<Fault> cause, long rejected, Duration duration,
                      List<UnitSummary> units) {
  /** Whether it succeeded. */
  public boolean succeeded() {
    return state == RunState.SUCCEEDED;
  }

  /** Rows that load units wrote. */
  public long rowsLoaded() {
    return units.stream().filter(unit -> unit.role().equals("load")).mapToLong(UnitSummary::rowsOut).sum();
  }

  /** Gives itself where the run succeeded; throws {@link SluiceException.RunNotSucceeded} else. */
  public Outcome orThrow() {
    if (!succeeded()) {
      throw new SluiceException.RunNotSucceeded(this);
    }
    return this;
  }

  static Outcome from(Map<String, Object> run) {
    Map<String, Object> summary = Json.object(run, "summary");
    Map<String, Object> cause = Json.object(run, "cause");
    return new Outcome(Json.text(run, "id"), Json.text(run, "pipeline"), RunState.from(Json.text(run, "state")),
        cause.isEmpty() ? Optional.empty() : Optional.of(Fault.from(cause)), Json.number(summary, "rejected"),
        Duration.of(Json.number(summary, "duration_microseconds"), ChronoUnit.MICROS),
        Json.objects(summary, "units").stream().map(UnitSummary::from).toList());
  }
}
