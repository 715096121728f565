/** Linux refused something: `code` is the name of the errno, such as EACCES. */
export class LinuxError extends Error {
  readonly code: string;
  /** What to do about it; empty when nothing is known to help. */
  readonly hint: string;

  constructor(code: string, reason: string, hint = '') {
    super(reason);
    this.name = 'LinuxError';
    this.code = code;
    this.hint = hint;
  }
}
