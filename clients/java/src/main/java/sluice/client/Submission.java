package sluice.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/** A pipeline to be run. Immutable: each method gives another one. */
public final class Submission {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)(?::-[^}]*)?}");

  private final String text;
  private final String file;
  private final Path baseFolder;
  private final Map<String, String> params;
  private final Map<String, String> environment;
  private final boolean fresh;
  private final String key;

  private Submission(String text, String file, Path baseFolder, Map<String, String> params, Map<String, String> environment, boolean fresh,
                     String key) {
    this.text = text;
    this.file = file;
    this.baseFolder = baseFolder;
    this.params = params;
    this.environment = environment;
    this.fresh = fresh;
    this.key = key;
  }

  /**
   * The pipeline in a file. Relative paths in it start at the current folder; variables of the environment that it refers to are sent along.
   *
   * @throws IOException where the file can't be read
   */
  public static Submission of(Path file) throws IOException {
    return ofText(Files.readString(file), file.toString());
  }

  /** The pipeline itself; {@code file} is its name in messages. */
  public static Submission ofText(String text, String file) {
    return new Submission(text, file, Path.of("").toAbsolutePath(), Map.of(), null, false, "");
  }

  /** Gives a param its value, as {@code --set} does. Dates are given as 2024-05-01. */
  public Submission param(String name, Object value) {
    Map<String, String> more = new LinkedHashMap<>(params);
    more.put(name, value.toString());
    return new Submission(text, file, baseFolder, more, environment, fresh, key);
  }

  /** The folder where relative paths start. */
  public Submission baseFolder(Path folder) {
    return new Submission(text, file, folder.toAbsolutePath(), params, environment, fresh, key);
  }

  /** The variables that the file may refer to, in the place of this process's own. */
  public Submission environment(Map<String, String> variables) {
    return new Submission(text, file, baseFolder, params, Map.copyOf(variables), fresh, key);
  }

  /** Reads everything again, also what incremental sources have already read. */
  public Submission fresh() {
    return new Submission(text, file, baseFolder, params, environment, true, key);
  }

  /** With the same key again it gives the same run, also over restarts of program and node. */
  public Submission key(String name) {
    return new Submission(text, file, baseFolder, params, environment, fresh, name);
  }

  String key() {
    return key;
  }

  Map<String, Object> toJson() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("text", text);
    json.put("file", file);
    json.put("base_folder", baseFolder.toString());
    json.put("params", params);
    json.put("environment", environment == null ? referredVariables() : environment);
    if (fresh) {
      json.put("fresh", true);
    }
    return json;
  }

  private Map<String, String> referredVariables() {
    Map<String, String> found = new LinkedHashMap<>();
    VARIABLE.matcher(text).results().map(match -> match.group(1)).filter(name -> !params.containsKey(name)).forEach(name -> {
      String value = System.getenv(name);
      if (value != null) {
        found.put(name, value);
      }
    });
    return found;
  }
}
