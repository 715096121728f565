#include "billing.h"
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

/* FOLDER/ACCOUNT has the amount; FOLDER/ACCOUNT.KEY what a key has reserved. */
static int read_amount(const char *path, long *amount) {
  FILE *file = fopen(path, "r");
  if (file == NULL) return -1;
  int got = fscanf(file, "%ld", amount);
  fclose(file);
  return got == 1 ? 0 : -1;
}

static int write_amount(const char *path, long amount) {
  FILE *file = fopen(path, "w");
  if (file == NULL) return -1;
  fprintf(file, "%ld\n", amount);
  return fclose(file);
}

long billing_reserve(const char *folder, const char *account, long amount, const char *key, char *receipt, size_t size) {
  char path[4096], mark[4096];
  long left, reserved;
  snprintf(path, sizeof path, "%s/%s", folder, account);
  snprintf(mark, sizeof mark, "%s/%s.%s", folder, account, key);
  if (read_amount(path, &left) != 0) return errno = ENOENT, -1;
  if (read_amount(mark, &reserved) != 0) {
    if (left < amount) return errno = EDQUOT, -1;
    left -= amount;
    if (write_amount(mark, amount) != 0 || write_amount(path, left) != 0) return -1;
  }
  snprintf(receipt, size, "%s-%s-%ld", account, key, amount);
  printf("reserved %ld for %s\n", amount, key);
  return left;
}

int billing_release(const char *folder, const char *account, const char *key) {
  char path[4096], mark[4096];
  long left, reserved;
  snprintf(path, sizeof path, "%s/%s", folder, account);
  snprintf(mark, sizeof mark, "%s/%s.%s", folder, account, key);
  if (read_amount(mark, &reserved) != 0) return 0;
  if (read_amount(path, &left) != 0 || write_amount(path, left + reserved) != 0) return -1;
  return unlink(mark);
}

long billing_balance(const char *folder, const char *account) {
  char path[4096];
  long left;
  snprintf(path, sizeof path, "%s/%s", folder, account);
  FILE *file = fopen(path, "r");
  fscanf(file, "%ld", &left);
  fclose(file);
  return left;
}
