// Server-sent events over fetch: EventSource can't send the token in a header.

import { send, withQuery } from "./api.js";

/** The node sends a comment after ten quiet seconds: a connection that is silent for longer is dead. */
const silence = 25_000;

/** Cuts a stream of text into events, however it is cut on its way. Gives the `data` of each, parsed. */
export function eventParser(take) {
  let rest = "";
  let data = [];
  return (text) => {
    rest += text;
    let begin = 0;
    for (let end = rest.indexOf("\n", begin); end >= 0; end = rest.indexOf("\n", begin)) {
      const line = rest.slice(begin, rest[end - 1] === "\r" ? end - 1 : end);
      begin = end + 1;
      if (line.startsWith("data:")) {
        data.push(line.slice(line[5] === " " ? 6 : 5));
      } else if (line === "" && data.length > 0) {
        const whole = data.join("\n");
        data = [];
        take(JSON.parse(whole));
      }
    }
    rest = rest.slice(begin);
  };
}

/**
 * Reads all events above the cursor `after` until the connection ends; `opened` is called when the node has answered.
 * Throws what `send` throws, and where the connection breaks or is silent for too long.
 */
export async function readEvents(after, { signal, opened, take }) {
  const given_up = new AbortController();
  const stop = () => given_up.abort();
  signal.addEventListener("abort", stop);
  let timer = setTimeout(stop, silence);
  try {
    const response = await send(withQuery("/v1/events", { after }), { signal: given_up.signal, accept: "text/event-stream" });
    opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    const parse = eventParser(take);
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(stop, silence);
      parse(value);
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
  }
}
