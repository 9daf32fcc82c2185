#pragma once

namespace sluice::proof {

/// What a run is doing, as tests/chaos counts it. One value for the run: the unit that is furthest decides.
enum class phase { restore, reading, aligning, pre_commit, decided, commit };

/// The ten faults that a build for tests can have (tests/chaos/README.md); chosen when it starts.
enum class bug {
  none,
  commit_forgotten,
  position_ahead,
  position_behind,
  visible_too_early,
  state_forgotten,
  barrier_not_aligned,
  commit_repeated,
  rejects_not_cut,
  acknowledged_too_early,
  failed_rename_ignored,
};

#ifdef SLUICE_PROOF
/// Notes the phase in the page that SLUICE_PROOF_PAGE names, and ends the process there if the page says so.
void enter(phase what);
/// Whether SLUICE_PROOF_BUG names this one.
bool planted(bug which);
#else
inline void enter(phase) {}
constexpr bool planted(bug) { return false; }
#endif

}  // namespace sluice::proof
