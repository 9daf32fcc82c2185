package sluice.client;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/** Requests that are repeated while a node does not answer. All of them may be sent again: submissions carry a key. */
final class Transport {
  private static final Set<String> TRY_AGAIN =
      Set.of("server_busy", "submission_in_progress", "shutting_down", "request_timed_out", "node_unreachable");

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(Duration.ofSeconds(5)).build();
  private final URI address;
  private final String token;
  private final Duration patience;
  private final Duration timeout;

  Transport(URI address, String token, Duration patience, Duration timeout) {
    this.address = address;
    this.token = token;
    this.patience = patience;
    this.timeout = timeout;
  }

  CompletableFuture<Map<String, Object>> get(String target) {
    return ask(request(target).GET().build());
  }

  CompletableFuture<Map<String, Object>> post(String target, Map<String, Object> body, String key) {
    HttpRequest.Builder made = request(target);
    if (!key.isEmpty()) {
      made.header("Idempotency-Key", key);
    }
    if (body == null) {
      return ask(made.POST(HttpRequest.BodyPublishers.noBody()).build());
    }
    return ask(made.header("Content-Type", "application/json").POST(HttpRequest.BodyPublishers.ofString(Json.write(body))).build());
  }

  private HttpRequest.Builder request(String target) {
    HttpRequest.Builder made = HttpRequest.newBuilder(address.resolve(target)).timeout(timeout);
    if (!token.isEmpty()) {
      made.header("Authorization", "Bearer " + token);
    }
    return made;
  }

  /** The answer's JSON. Cancelling it gives the request up. */
  private CompletableFuture<Map<String, Object>> ask(HttpRequest request) {
    CompletableFuture<Map<String, Object>> answer = new CompletableFuture<>();
    attempt(request, answer, System.nanoTime() + patience.toNanos(), 100);
    return answer;
  }

  private void attempt(HttpRequest request, CompletableFuture<Map<String, Object>> answer, long deadline, long pauseMillis) {
    if (answer.isDone()) {
      return;
    }
    CompletableFuture<HttpResponse<String>> sent = http.sendAsync(request, HttpResponse.BodyHandlers.ofString());
    answer.whenComplete((json, problem) -> sent.cancel(true));
    sent.whenComplete((got, broken) -> {
      SluiceException problem = broken != null ? SluiceException.NodeUnreachable.at(address, cause(broken)) : refusal(got);
      if (problem == null) {
        answer.complete(Json.parse(got.body()));
      } else if (!TRY_AGAIN.contains(problem.code()) || System.nanoTime() - deadline >= 0) {
        answer.completeExceptionally(problem);
      } else {
        long pause = ThreadLocalRandom.current().nextLong(pauseMillis / 2, pauseMillis);
        CompletableFuture.delayedExecutor(pause, TimeUnit.MILLISECONDS)
            .execute(() -> attempt(request, answer, deadline, Math.min(pauseMillis * 2, 5000)));
      }
    });
  }

  private static SluiceException refusal(HttpResponse<String> got) {
    return got.statusCode() < 300 ? null : SluiceException.from(Json.parse(got.body()));
  }

  static Throwable cause(Throwable problem) {
    return problem instanceof CompletionException && problem.getCause() != null ? problem.getCause() : problem;
  }
}
