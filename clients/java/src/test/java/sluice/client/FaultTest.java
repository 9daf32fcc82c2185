package sluice.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import java.util.Map;
import org.junit.jupiter.api.Test;

/** Without a node; the step that fetches the jars runs it. */
class FaultTest {
  @Test
  void aFaultSaysWhereItIsAndWhatToDo() {
    Fault fault = Fault.from(Json.parse("{\"code\":\"unknown_column\",\"message\":\"no column x\",\"hint\":\"did you mean y?\",\"file\":\"p.yaml\",\"line\":3,\"column\":7}"));
    assertEquals("[unknown_column] p.yaml:3:7: no column x (did you mean y?)", fault.toString());
  }

  @Test
  void anAnswerThatIsNotOneOfANodeIsAnErrorToo() {
    assertEquals("invalid_answer", SluiceException.from(Json.parse("<html>")).code());
    assertEquals("invalid_answer", SluiceException.from(Json.parse("{\"error\": []}")).code());
    assertInstanceOf(SluiceException.RunNotFound.class, SluiceException.from(Map.of("error", Map.of("code", "run_not_found"))));
  }

  @Test
  void onlyVariablesThatThePipelineRefersToAreSent() {
    Map<String, Object> json = Submission.ofText("a: ${HOME} ${out} ${NOT_SET:-x} ${secret:key}", "p.yaml").param("out", "x").toJson();
    assertEquals(Map.of("HOME", System.getenv("HOME")), json.get("environment"));
  }
}
