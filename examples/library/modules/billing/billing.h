/* Accounts in a folder of files, as a library of long ago would keep them. */
#include <stddef.h>

/* Reserves an amount for an account under a key; the same key again is the same reservation. Writes a receipt.
   Gives what the account has left, or -1 with errno: ENOENT no such account, EDQUOT not enough. */
long billing_reserve(const char *folder, const char *account, long amount, const char *key, char *receipt, size_t size);

/* Releases what a key has reserved; nothing if there is no such reservation. 0, or -1 with errno. */
int billing_release(const char *folder, const char *account, const char *key);

/* What the account has left. It trusts its caller: an account that is not there is its end. */
long billing_balance(const char *folder, const char *account);
