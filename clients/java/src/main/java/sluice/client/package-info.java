/**
 * The client of Sluice, a distributed ETL engine.
 *
 * <pre>{@code
 * Client client = Client.create();
 * CompletableFuture<Outcome> done = client.submit(Path.of("daily.yaml")).thenCompose(Run::completion);
 * }</pre>
 */
package sluice.client;
