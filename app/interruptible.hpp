#pragma once

#include <functional>

namespace sluice::app {

/// Does `work` in a thread of its own and waits for its end, or for Ctrl-C or TERM, whose number it gives then, else 0.
/// Work that is left behind goes on until the process ends: it must own what it uses, or use what lives as long.
int do_interruptibly(std::function<void()> work);

}  // namespace sluice::app
