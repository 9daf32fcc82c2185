package sluice.client;

import java.util.Map;

/**
 * What a unit of a run has done; counts are rows.
 *
 * @param unit its name
 * @param role extract, transform or load
 * @param target load units: what was written, else empty
 */
public record UnitSummary(String unit, String role, long rowsIn, long rowsOut, long rejected, long filtered, long bytes, String target) {
  static UnitSummary from(Map<String, Object> json) {
    return new UnitSummary(Json.text(json, "unit"), Json.text(json, "role"), Json.number(json, "in"), Json.number(json, "out"),
        Json.number(json, "rejected"), Json.number(json, "filtered"), Json.number(json, "bytes"), Json.text(json, "target"));
  }
}
