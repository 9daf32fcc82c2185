package sluice.client;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a node is and what its token is, found as the command line finds them: given, environment, settings file, default. */
final class Settings {
  private static final Pattern LINE =
      Pattern.compile("^(state|state_folder|to):[ \\t]*(?:\"([^\"\\n]*)\"|'([^'\\n]*)'|([^#\\n]*?))[ \\t]*(?:#.*)?$", Pattern.MULTILINE);
  private final Function<String, String> environment;

  Settings(Function<String, String> environment) {
    this.environment = environment;
  }

  URI address(String given) {
    String found = first(given, variable("SLUICE_TO"), ownSettings().get("to"), "127.0.0.1:7071");
    return URI.create(found.contains("://") ? found : "http://" + found);
  }

  /** The token; empty where there is none. Errors: SluiceException token_exposed, where others can read the file. */
  String token(String given, Path state) {
    if (given != null) {
      return given;
    }
    // A state folder that was asked for has its own token, whatever SLUICE_TOKEN is for.
    if (state == null && !variable("SLUICE_TOKEN").isEmpty()) {
      return variable("SLUICE_TOKEN");
    }
    Path folder = state != null ? state : stateFolder();
    if (folder == null) {
      return "";
    }
    Path file = folder.resolve("token");
    try {
      Set<PosixFilePermission> rights = Files.getPosixFilePermissions(file);
      if (rights.stream().anyMatch(right -> !right.name().startsWith("OWNER_"))) {
        throw new SluiceException(Fault.of("token_exposed", file + " can be read by other users", "chmod 600 " + file));
      }
      return Files.readString(file).strip();
    } catch (IOException | UnsupportedOperationException none) {
      return "";
    }
  }

  private Path stateFolder() {
    String given = first(variable("SLUICE_STATE"), ownSettings().get("state"), "");
    if (given.contains("://")) { // the Store is in a database; the files, the token among them, are beside it
      given = first(variable("SLUICE_STATE_FOLDER"), ownSettings().get("state_folder"), "");
    }
    if (!given.isEmpty()) {
      return Path.of(given);
    }
    if (variable("XDG_STATE_HOME").startsWith("/")) {
      return Path.of(variable("XDG_STATE_HOME"), "sluice");
    }
    return variable("HOME").startsWith("/") ? Path.of(variable("HOME"), ".local/state/sluice") : null;
  }

  private Map<String, String> ownSettings() {
    Path folder = variable("XDG_CONFIG_HOME").startsWith("/") ? Path.of(variable("XDG_CONFIG_HOME"))
        : variable("HOME").startsWith("/") ? Path.of(variable("HOME"), ".config") : null;
    Map<String, String> found = new HashMap<>();
    if (folder == null) {
      return found;
    }
    try {
      Matcher lines = LINE.matcher(Files.readString(folder.resolve("sluice/config.yaml")));
      while (lines.find()) {
        found.put(lines.group(1), first(lines.group(2), lines.group(3), lines.group(4), ""));
      }
    } catch (IOException none) {
      // The file is optional.
    }
    return found;
  }

  private String variable(String name) {
    String value = environment.apply(name);
    return value == null ? "" : value;
  }

  private static String first(String... values) {
    for (String value : values) {
      if (value != null && !value.isEmpty()) {
        return value;
      }
    }
    return "";
  }
}
