// Work that is repeated while the page is seen, and work that waits until no more of it comes.

/** Calls `work` every so many milliseconds, one call after the other, while the tab is seen; gives a function that ends it. */
export function every(milliseconds, work) {
  let ended = false;
  let timer = 0;
  const next = async () => {
    if (ended) return;
    try {
      if (!document.hidden) await work();
    } finally {
      if (!ended) timer = setTimeout(next, milliseconds);
    }
  };
  timer = setTimeout(next, milliseconds);
  return () => {
    ended = true;
    clearTimeout(timer);
  };
}

/** A function that calls `work` once, a moment after it was called itself: calls that come meanwhile are the same. */
export function gathered(milliseconds, work) {
  let timer = 0;
  const call = () => {
    if (timer) return;
    timer = setTimeout(() => {
      timer = 0;
      void work();
    }, milliseconds);
  };
  call.cancel = () => {
    clearTimeout(timer);
    timer = 0;
  };
  return call;
}

/** A function that calls `work` when it was not called again for a moment. */
export function settled(milliseconds, work) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(() => void work(), milliseconds);
  };
}
