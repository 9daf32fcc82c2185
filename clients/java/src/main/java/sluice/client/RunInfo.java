package sluice.client;

import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A run as the node shows it now. Times are empty where it has not come so far.
 *
 * @param raw the node's JSON
 */
public record RunInfo(String id, String pipeline, RunState state, String owner, List<String> tags, Optional<Instant> created,
                      Optional<Instant> started, Optional<Instant> ended, Map<String, Object> raw) {
  static RunInfo from(Map<String, Object> json) {
    return new RunInfo(Json.text(json, "id"), Json.text(json, "pipeline"), RunState.from(Json.text(json, "state")), Json.text(json, "owner"),
        Json.texts(json, "tags"), time(json, "created"), time(json, "started"), time(json, "ended"), json);
  }

  private static Optional<Instant> time(Map<String, Object> json, String key) {
    long microseconds = Json.number(json, key);
    return microseconds == 0 ? Optional.empty() : Optional.of(Instant.EPOCH.plus(microseconds, ChronoUnit.MICROS));
  }

  /**
   * A page of runs, the newest first.
   *
   * @param next give it to {@link Client#runs} for the next page; empty: there is none
   */
  public record Page(List<RunInfo> runs, Optional<String> next) {}
}
