// Preloaded by tests: ends processes, or lets the state's disk be full, at a chosen call that changes files.
//
// SLUICE_CALLS names a file that counts these calls of all processes that inherit it. At the call number SLUICE_KILL_AT
// the process is killed before the call (SLUICE_KILL_AFTER set: after it), with SLUICE_KILL_GROUP set its whole process
// group. With SLUICE_FULL set, writes to sluice.db fail from the first rename on that gives an output its name, for as
// long as the file of that name exists.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static int* calls(void) {
  static int* counter;
  const char* path = getenv("SLUICE_CALLS");
  if (counter || !path) return counter;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return NULL;
  void* at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (at != MAP_FAILED) counter = at;
  return counter;
}

// The counter's page: number of calls, then whether an output has got its name.
static void end_here(void) {
  kill(getenv("SLUICE_KILL_GROUP") ? 0 : getpid(), SIGKILL);
  pause();
}

static int count(void) {
  int* counter = calls();
  return counter ? __atomic_add_fetch(counter, 1, __ATOMIC_SEQ_CST) : 0;
}

static int is_chosen(int number) {
  const char* chosen = getenv("SLUICE_KILL_AT");
  return number > 0 && chosen && atoi(chosen) == number;
}

static int is_file(int fd) {
  struct stat about;
  return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

static int is_full(int fd) {
  const char* flag = getenv("SLUICE_FULL");
  int* counter = calls();
  if (!flag || !counter || !counter[1] || access(flag, F_OK) != 0) return 0;
  char link[64];
  char name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, name, sizeof name - 1);
  if (size <= 0) return 0;
  name[size] = 0;
  return strstr(name, "sluice.db") != NULL;
}

#define REAL(type, name, parameters)                                                     \
  static type(*real) parameters;                                                         \
  if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                         \
  const int number = count();                                                            \
  if (is_chosen(number) && !getenv("SLUICE_KILL_AFTER")) end_here();

#define DONE(result)                       \
  if (is_chosen(number)) {                 \
    const int saved = errno;               \
    end_here();                            \
    errno = saved;                         \
  }                                        \
  return result;

#define ON_FILE(type, name, parameters, arguments)                                  \
  type name parameters {                                                            \
    if (!is_file(fd)) {                                                             \
      type(*pass) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name);         \
      return pass arguments;                                                        \
    }                                                                               \
    REAL(type, name, parameters)                                                    \
    if (is_full(fd)) {                                                              \
      errno = ENOSPC;                                                               \
      return -1;                                                                    \
    }                                                                               \
    const type result = real arguments;                                             \
    DONE(result)                                                                    \
  }

ON_FILE(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, size))
ON_FILE(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at))
ON_FILE(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at), (fd, data, size, at))
ON_FILE(ssize_t, writev, (int fd, const struct iovec* parts, int size), (fd, parts, size))

int fsync(int fd) {
  REAL(int, fsync, (int))
  const int result = real(fd);
  DONE(result)
}

int fdatasync(int fd) {
  REAL(int, fdatasync, (int))
  const int result = real(fd);
  DONE(result)
}

static void named(const char* path) {
  int* counter = calls();
  if (counter && !strstr(path, "sluice.db")) counter[1] = 1;
}

int rename(const char* from, const char* to) {
  REAL(int, rename, (const char*, const char*))
  const int result = real(from, to);
  if (result == 0) named(to);
  DONE(result)
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to, unsigned flags) {
  REAL(int, renameat2, (int, const char*, int, const char*, unsigned))
  const int result = real(from_folder, from, to_folder, to, flags);
  if (result == 0) named(to);
  DONE(result)
}

int link(const char* from, const char* to) {
  REAL(int, link, (const char*, const char*))
  const int result = real(from, to);
  DONE(result)
}

int unlink(const char* path) {
  REAL(int, unlink, (const char*))
  const int result = real(path);
  DONE(result)
}

int remove(const char* path) {
  REAL(int, remove, (const char*))
  const int result = real(path);
  DONE(result)
}
