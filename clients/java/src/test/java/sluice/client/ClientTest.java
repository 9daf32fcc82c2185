package sluice.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** With a real node: fast, slow, cut off and dying. */
@Timeout(120)
class ClientTest {
  private static final String ORDERS = "order_id,country,status,amount\n1,DE,paid,119.00\n2,FR,open,59.90\n3,NL,paid,twelve\n4,DE,paid,9.99\n";
  private static final String PIPELINE = """
      version: 1
      pipeline: orders
      params: { out: { type: text, default: out } }
      rejects: { allow: 10 }
      extract:
        orders:
          csv: { path: orders.csv }
          types: { order_id: bigint, country: text, status: text, amount: double }
      transform:
        paid:
          from: orders
          filter: "status = 'paid'"
      load:
        out:
          from: paid
          ndjson: { path: "${out}/paid.ndjson" }
      """;
  private static final String ENDLESS = """
      version: 1
      pipeline: endless
      extract:
        numbers:
          generate: { rows: 1000000000, rate: 2000, columns: { id: sequence } }
      load:
        out:
          from: numbers
          blackhole: {}
      """;

  @TempDir Path folder;
  private RealNode node;
  private Client client;

  @BeforeEach
  void start() throws Exception {
    Files.writeString(folder.resolve("orders.csv"), ORDERS);
    node = new RealNode(folder);
    client = at(node.address()).build();
  }

  @AfterEach
  void stop() {
    node.close();
  }

  private Client.Builder at(String address) {
    return Client.builder().address(address).state(node.state());
  }

  private Submission submission(String text) {
    return Submission.ofText(text, "p.yaml").baseFolder(folder);
  }

  private static <T> T get(CompletableFuture<T> future) throws Exception {
    return future.get(60, TimeUnit.SECONDS);
  }

  private static <E extends Throwable> E fails(Class<E> kind, CompletableFuture<?> future) {
    return assertInstanceOf(kind, assertThrows(ExecutionException.class, () -> get(future)).getCause());
  }

  private Collector all(Run run, long after) throws Exception {
    Collector collector = new Collector(Long.MAX_VALUE);
    run.events(after).subscribe(collector);
    get(collector.end);
    return collector;
  }

  @Test
  void aRunFromSubmissionToItsOutcome() throws Exception {
    Path file = Files.writeString(folder.resolve("p.yaml"), PIPELINE);
    CompletableFuture<Outcome> done =
        client.submit(Submission.of(file).baseFolder(folder).param("out", "results")).thenCompose(Run::completion);
    Outcome outcome = get(done);
    assertSame(outcome, outcome.orThrow());
    assertEquals(RunState.SUCCEEDED, outcome.state());
    assertEquals(2, outcome.rowsLoaded());
    assertEquals(1, outcome.rejected());
    assertTrue(Files.exists(folder.resolve("results/paid.ndjson")));

    Run run = get(client.run("last"));
    assertEquals(outcome.run(), run.id());
    List<Event> events = new ArrayList<>(all(run, 0).events);
    assertEquals("run.queued", events.get(0).type());
    assertEquals("run.succeeded", events.get(events.size() - 1).type());
    assertEquals(LongStream.rangeClosed(1, events.size()).boxed().toList(), events.stream().map(Event::sequence).toList());
    assertEquals(1, all(run, events.get(events.size() - 2).cursor()).events.size());
    assertEquals(0, all(run, events.get(events.size() - 1).cursor()).events.size());
    assertEquals(3, Json.objects(get(run.plan()), "units").size());
    assertEquals("orders", get(run.info()).pipeline());
  }

  @Test
  void aSubscriberGetsAsManyEventsAsItRequests() throws Exception {
    Run run = get(client.submit(submission(PIPELINE)));
    get(run.completion());
    int count = all(run, 0).events.size();
    Collector slow = new Collector(0);
    run.events().subscribe(slow);
    for (int i = 1; i <= count; ++i) {
      assertTrue(slow.events.isEmpty());  // nothing came that was not requested
      slow.subscription.request(1);
      assertEquals(i, slow.next().sequence());
      get(run.info());  // time in which a wrong one would come
    }
    get(slow.end);
    Collector two = new Collector(2);
    run.events().subscribe(two);
    two.next();
    two.next();
    two.subscription.cancel();
    two.subscription.request(5);
    assertFalse(two.end.isDone());
    Collector wrong = new Collector(0);
    run.events().subscribe(wrong);
    wrong.subscription.request(0);
    fails(IllegalArgumentException.class, wrong.end);
  }

  @Test
  void aSlowConnectionThatBreaksAllTheTimeLosesAndRepeatsNoEvent() throws Exception {
    Run run = get(client.submit(submission(PIPELINE)));
    get(run.completion());
    try (Proxy proxy = new Proxy(node.port(), 5, 1500, 6)) {
      Run slow = get(at(proxy.address()).build().run(run.id()));
      Collector seen = new Collector(2);
      slow.events().subscribe(seen);
      List<String> ids = new ArrayList<>();
      while (!seen.end.isDone() || !seen.events.isEmpty()) {
        Event event = seen.events.poll(20, TimeUnit.MILLISECONDS);
        if (event != null) {
          ids.add(event.id());
          seen.subscription.request(1);
        }
      }
      assertEquals(all(run, 0).ids(), ids);
      assertTrue(proxy.connections.get() > 5, proxy.connections.toString());
    }
  }

  @Test
  void aSubmissionWhoseAnswerWasLostStartsOneRun() throws Exception {
    try (Proxy proxy = new Proxy(node.port(), 0, 0, 3)) {
      Run run = get(at(proxy.address()).build().submit(submission(PIPELINE)));
      assertTrue(get(run.completion()).succeeded());
      assertEquals(List.of(run.id()), get(client.runs(null, 10)).runs().stream().map(RunInfo::id).toList());
    }
  }

  @Test
  void aKeyGivesOneRunOverRestarts() throws Exception {
    Run run = get(client.submit(submission(PIPELINE).key("load-2024-05-01")));
    get(run.completion());
    node.kill();
    node.start();
    Run again = get(client.submit(submission(PIPELINE).key("load-2024-05-01")));
    assertEquals(run.id(), again.id());
    assertTrue(again.repeated());
    fails(SluiceException.IdempotencyKeyReused.class, client.submit(submission(ENDLESS).key("load-2024-05-01")));
  }

  @Test
  void whoWaitsHearsOfARunWhoseNodeWasKilled() throws Exception {
    Run run = get(client.submit(submission(ENDLESS)));
    Collector seen = new Collector(Long.MAX_VALUE);
    run.events().subscribe(seen);
    CompletableFuture<Outcome> completion = run.completion();
    List<String> ids = new ArrayList<>();
    for (String type = ""; !type.equals("unit.started");) {
      Event event = seen.next();
      type = event.type();
      ids.add(event.id());
    }
    node.kill();
    node.start();
    Outcome outcome = get(completion);
    assertEquals(RunState.FAILED, outcome.state());
    assertFalse(outcome.cause().orElseThrow().code().isEmpty());
    assertSame(outcome, assertThrows(SluiceException.RunNotSucceeded.class, outcome::orThrow).outcome());
    get(seen.end);
    ids.addAll(seen.ids());
    assertEquals(all(run, 0).ids(), ids);
  }

  @Test
  void aNodeThatStaysAwayIsReportedWhenPatienceIsOver() throws Exception {
    Client impatient = at(node.address()).patience(Duration.ofMillis(500)).build();
    Run run = get(impatient.submit(submission(ENDLESS)));
    CompletableFuture<Outcome> completion = run.completion();
    node.kill();
    assertTrue(fails(SluiceException.NodeUnreachable.class, completion).getMessage().contains(node.address()));
    fails(SluiceException.NodeUnreachable.class, impatient.submit(submission(PIPELINE)));
  }

  @Test
  void cancellingWhoWaitsLeavesTheRunAloneAndCancelEndsIt() throws Exception {
    Run run = get(client.submit(submission(ENDLESS)));
    Collector seen = new Collector(1);
    run.events().subscribe(seen);
    seen.next();
    CompletableFuture<Outcome> completion = run.completion();
    assertThrows(TimeoutException.class, () -> completion.get(100, TimeUnit.MILLISECONDS));
    completion.cancel(true);
    seen.subscription.cancel();
    assertFalse(get(run.info()).state().isFinal());
    get(run.cancel());
    assertEquals(RunState.CANCELLED, get(run.completion()).state());
    get(run.cancel());  // it has ended: fine
  }

  @Test
  void aWrongPipelineTellsWhereAndWhatToDo() {
    Submission wrong = submission(PIPELINE.replace("status = 'paid'", "statuss = 'paid'"));
    for (CompletableFuture<?> attempt : List.of(client.submit(wrong), client.plan(wrong))) {
      SluiceException.PipelineRejected refused = fails(SluiceException.PipelineRejected.class, attempt);
      assertEquals(1, refused.faults().size());
      Fault fault = refused.faults().get(0);
      assertEquals("unknown_column", fault.code());
      assertEquals("p.yaml", fault.file());
      assertEquals(12, fault.line());
      assertTrue(fault.hint().contains("status"), fault.hint());
    }
    fails(SluiceException.RunNotFound.class, client.run("nothing"));
    fails(java.nio.file.NoSuchFileException.class, client.submit(Path.of("nothing.yaml")));
  }

  @Test
  void runsComePageByPageAndEventsOfAllRunsFromACursor() throws Exception {
    List<String> made = new ArrayList<>();
    for (int i = 0; i < 3; ++i) {
      Run run = get(client.submit(submission(PIPELINE)));
      get(run.completion());
      made.add(0, run.id());
    }
    RunInfo.Page first = get(client.runs(null, 2));
    RunInfo.Page second = get(client.runs(first.next().orElseThrow(), 2));
    assertTrue(second.next().isEmpty());
    assertEquals(made, IntStream.range(0, 3).mapToObj(i -> i < 2 ? first.runs().get(i).id() : second.runs().get(0).id()).toList());
    Collector everything = new Collector(5);
    client.events(3).subscribe(everything);
    for (long cursor = 4; cursor <= 8; ++cursor) {
      assertEquals(cursor, everything.next().cursor());
    }
    everything.subscription.cancel();
  }

  @Test
  void theTokenIsFoundAsTheCommandLineFindsIt() throws Exception {
    String token = Files.readString(node.state().resolve("token")).strip();
    fails(SluiceException.Unauthorized.class, at(node.address()).token("wrong").build().run("last"));
    assertEquals(token, settings(Map.of("SLUICE_STATE", node.state().toString())).token(null, null));
    assertEquals("other", settings(Map.of("SLUICE_TOKEN", "other", "SLUICE_STATE", node.state().toString())).token(null, null));
    assertEquals(token, settings(Map.of("SLUICE_TOKEN", "other")).token(null, node.state()));
    assertEquals("", settings(Map.of("HOME", "/nowhere")).token(null, null));
    Files.createDirectories(folder.resolve(".config/sluice"));
    Files.writeString(folder.resolve(".config/sluice/config.yaml"), "# mine\nstate: '" + node.state() + "'\nto: 127.0.0.1:9   # here\n");
    Settings own = settings(Map.of("HOME", folder.toString()));
    assertEquals(token, own.token(null, null));
    assertEquals("http://127.0.0.1:9", own.address(null).toString());
    assertEquals("http://127.0.0.1:8", settings(Map.of("HOME", folder.toString(), "SLUICE_TO", "127.0.0.1:8")).address(null).toString());
    assertEquals("http://127.0.0.1:7071", settings(Map.of()).address(null).toString());
    Files.setPosixFilePermissions(node.state().resolve("token"), PosixFilePermissions.fromString("rw-r--r--"));
    assertEquals("token_exposed", assertThrows(SluiceException.class, () -> settings(Map.of()).token(null, node.state())).code());
  }

  private static Settings settings(Map<String, String> environment) {
    return new Settings(environment::get);
  }
}
