package sluice.client;

import java.util.Map;

/**
 * An error as Sluice reports it. {@code sluice help CODE} explains the code. Texts that are not known are empty, and so is a line of 0.
 *
 * @param code stable, in lower case
 * @param message what was expected and what was found
 * @param hint what to do
 * @param where a unit or a row, in words
 * @param file the pipeline's file
 * @param line from 1
 * @param column from 1
 * @param blame user, external or internal
 * @param retry whether trying again can help
 */
public record Fault(String code, String message, String hint, String where, String file, int line, int column, String blame, boolean retry) {
  static Fault of(String code, String message, String hint) {
    return new Fault(code, message, hint, "", "", 0, 0, "external", false);
  }

  static Fault from(Map<String, Object> json) {
    return new Fault(Json.text(json, "code"), Json.text(json, "message"), Json.text(json, "hint"), Json.text(json, "where"),
        Json.text(json, "file"), (int) Json.number(json, "line"), (int) Json.number(json, "column"), Json.text(json, "blame"),
        Boolean.TRUE.equals(json.get("retry")));
  }

  @Override
  public String toString() {
    String place = line > 0 ? file + ":" + line + ":" + column + ": " : "";
    return "[" + code + "] " + place + (where.isEmpty() ? "" : where + ": ") + message + (hint.isEmpty() ? "" : " (" + hint + ")");
  }
}
