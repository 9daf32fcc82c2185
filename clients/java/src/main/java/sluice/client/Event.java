package sluice.client;

import java.time.Instant;
import java.util.Map;
import java.util.Set;

/**
 * Something that happened in a run.
 *
 * @param id stable: the same whenever and wherever the event is sent
 * @param type run.started, unit.finished, run.succeeded, ...
 * @param cursor the place in the log of all events
 * @param sequence the number within the run, from 1, without gaps
 * @param unit empty where it concerns no unit
 * @param raw the CloudEvents object
 */
public record Event(String id, String type, String run, long cursor, long sequence, Instant time, String pipeline, String unit,
                    Map<String, Object> data, Map<String, Object> raw) {
  private static final Set<String> LAST = Set.of("run.succeeded", "run.partial", "run.failed", "run.cancelled");

  /** No event of its run follows. */
  public boolean isLast() {
    return LAST.contains(type);
  }

  static Event from(Map<String, Object> json) {
    Map<String, Object> data = Json.object(json, "data");
    return new Event(Json.text(json, "id"), Json.text(json, "type"), Json.text(data, "run"), Json.number(data, "cursor"),
        Json.number(data, "sequence"), Instant.parse(Json.text(json, "time")), Json.text(data, "pipeline"), Json.text(data, "unit"), data, json);
  }
}
