// Preloaded by tests: lets calls that change files fail while a program runs, as the page says that SLUICE_FAIL_PAGE
// names. Its words are those of tests/chaos/page.py: the kind of call (1 write, 2 fsync, 3 rename), how many more
// succeed, how many fail, the error number, how many have failed; at byte 64 a text that the path must contain.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum { kind = 3, pass, fail, error_number, failed, text = 64 };

static int* page(void) {
  static int* mapped;
  const char* path = getenv("SLUICE_FAIL_PAGE");
  if (mapped || !path) return mapped;
  const int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return NULL;
  void* at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (at != MAP_FAILED) mapped = at;
  return mapped;
}

static int fails(int which, const char* path) {
  int* words = page();
  if (!words || __atomic_load_n(&words[kind], __ATOMIC_SEQ_CST) != which) return 0;
  if (!strstr(path, (const char*)words + text)) return 0;
  if (__atomic_fetch_sub(&words[pass], 1, __ATOMIC_SEQ_CST) > 0) return 0;
  if (__atomic_fetch_sub(&words[fail], 1, __ATOMIC_SEQ_CST) <= 0) return 0;
  __atomic_add_fetch(&words[failed], 1, __ATOMIC_SEQ_CST);
  errno = words[error_number];
  return 1;
}

static int fails_on(int which, int fd) {
  int* words = page();
  if (!words || words[kind] != which) return 0;
  struct stat about;
  if (fstat(fd, &about) != 0 || !(S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))) return 0;
  char link[64];
  char name[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  const ssize_t size = readlink(link, name, sizeof name - 1);
  if (size <= 0) return 0;
  name[size] = 0;
  return fails(which, name);
}

#define CALL(type, name, parameters, arguments, condition)                  \
  type name parameters {                                                           \
    static type(*real) parameters;                                                 \
    if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                 \
    if (condition) return -1;                                                      \
    return real arguments;                                                         \
  }

CALL(ssize_t, write, (int fd, const void* data, size_t size), (fd, data, size), fails_on(1, fd))
CALL(ssize_t, pwrite, (int fd, const void* data, size_t size, off_t at), (fd, data, size, at), fails_on(1, fd))
CALL(ssize_t, pwrite64, (int fd, const void* data, size_t size, off64_t at), (fd, data, size, at), fails_on(1, fd))
CALL(ssize_t, writev, (int fd, const struct iovec* parts, int size), (fd, parts, size), fails_on(1, fd))
CALL(int, fsync, (int fd), (fd), fails_on(2, fd))
CALL(int, fdatasync, (int fd), (fd), fails_on(2, fd))
CALL(int, rename, (const char* from, const char* to), (from, to), fails(3, to))
CALL(int, renameat2, (int a, const char* from, int b, const char* to, unsigned how), (a, from, b, to, how), fails(3, to))
CALL(int, link, (const char* from, const char* to), (from, to), fails(3, to))
