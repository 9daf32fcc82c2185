package sluice.client;

import java.util.Locale;

/** Where a run is. */
public enum RunState {
  QUEUED, STARTING, RUNNING, DRAINING, COMMITTING, PAUSED, RESTARTING, SUCCEEDED, PARTIAL, FAILED, CANCELLED;

  /** Nothing changes any more. */
  public boolean isFinal() {
    return this == SUCCEEDED || this == PARTIAL || this == FAILED || this == CANCELLED;
  }

  /** As the node writes it. */
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  static RunState from(String text) {
    return valueOf(text.toUpperCase(Locale.ROOT));
  }
}
