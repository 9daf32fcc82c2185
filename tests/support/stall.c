// Preloaded by tests: while the file named by SLUICE_STALL exists, every call of this process that reads or writes a
// regular file hangs, as on a disk that no longer answers; with SLUICE_STALL_IN only of the files in that folder. Sockets,
// pipes and terminals go on.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static int stalled(void) {
  const char* path = getenv("SLUICE_STALL");
  return path && access(path, F_OK) == 0;
}

static int is_on_it(int fd) {
  const char* folder = getenv("SLUICE_STALL_IN");
  if (!folder) return 1;
  char link[64];
  char path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t length = readlink(link, path, sizeof path);
  const size_t wanted = strlen(folder);
  return length > (ssize_t)wanted && strncmp(path, folder, wanted) == 0 && path[wanted] == '/';
}

static void wait_for_disk(int fd) {
  struct stat about;
  if (!stalled() || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode) || !is_on_it(fd)) return;
  const struct timespec pause = {0, 5000000};
  while (stalled()) nanosleep(&pause, NULL);
}

#define STALLING(type, name, parameters, arguments)                                    \
  type name parameters {                                                               \
    static type(*real) parameters;                                                     \
    if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                     \
    wait_for_disk(fd);                                                                 \
    return real arguments;                                                             \
  }

STALLING(ssize_t, read, (int fd, void* data, size_t size), (fd, data, size))
STALLING(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, size))
STALLING(ssize_t, pread, (int fd, void* data, size_t size, off_t at), (fd, data, size, at))
STALLING(ssize_t, pread64, (int fd, void* data, size_t size, off64_t at), (fd, data, size, at))
STALLING(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at))
STALLING(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at), (fd, data, size, at))
STALLING(ssize_t, writev, (int fd, const struct iovec* parts, int count), (fd, parts, count))
STALLING(int, fsync, (int fd), (fd))
STALLING(int, fdatasync, (int fd), (fd))
