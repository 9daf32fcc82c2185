// Preloaded by tests: the first call of the function that SLUICE_HOLD_AT names (rename or fsync) says so by making the
// file SLUICE_HOLD.here, and waits while the file SLUICE_HOLD exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void hold(const char* name) {
  static atomic_flag held = ATOMIC_FLAG_INIT;
  const char* at = getenv("SLUICE_HOLD_AT");
  const char* path = getenv("SLUICE_HOLD");
  if (!at || !path || strcmp(at, name) != 0 || access(path, F_OK) != 0 || atomic_flag_test_and_set(&held)) return;
  char here[4096];
  snprintf(here, sizeof(here), "%s.here", path);
  close(open(here, O_CREAT | O_WRONLY, 0600));
  const struct timespec pause = {0, 5000000};
  while (access(path, F_OK) == 0) nanosleep(&pause, NULL);
}

int rename(const char* from, const char* to) {
  static int (*real)(const char*, const char*);
  if (!real) real = (int (*)(const char*, const char*))dlsym(RTLD_NEXT, "rename");
  // Only of a target: the program renames files of its own as well.
  if (strstr(from, ".part")) hold("rename");
  return real(from, to);
}

int fsync(int fd) {
  static int (*real)(int);
  if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  char link[64], name[4096];
  snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, name, sizeof(name) - 1);
  name[size < 0 ? 0 : size] = 0;
  if (strstr(name, ".part")) hold("fsync");
  return real(fd);
}
