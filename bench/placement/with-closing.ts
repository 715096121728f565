const ENDS = ['SIGINT', 'SIGTERM', 'disconnect'] as const;

/** Calls `close` after `work`, and also when this process is told to end, or whoever started it has ended, before that. */
export async function withClosing<Value>(
  close: () => Promise<void>,
  work: () => Promise<Value>,
): Promise<Value> {
  const early = (): void => void close().finally(() => process.exit(1));
  for (const end of ENDS) process.once(end, early);
  try {
    return await work();
  } finally {
    for (const end of ENDS) process.off(end, early);
    await close();
  }
}
