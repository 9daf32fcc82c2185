package sluice.client;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.util.List;
import java.util.Map;

/** JSON as maps and lists, and their values, however a node may have filled them in. */
final class Json {
  private Json() {}

  /** The object of a text; empty where it is none. */
  static Map<String, Object> parse(String text) {
    try {
      return JSON.std.mapFrom(text);
    } catch (IOException | RuntimeException notAnObject) {
      return Map.of();
    }
  }

  static String write(Map<String, ?> value) {
    try {
      return JSON.std.asString(value);
    } catch (IOException never) {
      throw new IllegalArgumentException(never);
    }
  }

  static String text(Map<String, Object> json, String key) {
    return json.get(key) instanceof String text ? text : "";
  }

  static long number(Map<String, Object> json, String key) {
    return json.get(key) instanceof Number number ? number.longValue() : 0;
  }

  @SuppressWarnings("unchecked")
  static Map<String, Object> object(Map<String, Object> json, String key) {
    return json.get(key) instanceof Map<?, ?> map ? (Map<String, Object>) map : Map.of();
  }

  /** The objects of a list; empty where there is none. */
  @SuppressWarnings("unchecked")
  static List<Map<String, Object>> objects(Map<String, Object> json, String key) {
    if (!(json.get(key) instanceof List<?> list)) {
      return List.of();
    }
    return list.stream().filter(Map.class::isInstance).map(each -> (Map<String, Object>) each).toList();
  }

  static List<String> texts(Map<String, Object> json, String key) {
    return json.get(key) instanceof List<?> list ? list.stream().map(String::valueOf).toList() : List.of();
  }
}
