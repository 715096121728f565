import type { Agents } from '../../cloud/agents/agents.ts';

/** So often it is looked whether another server shut a host out that has an open connection here. */
const KEY_LOOK_MS = 15_000;

/** Cuts the connection of a host whose key was revoked or replaced, here or at another server. Returns what ends the watch. */
export async function watchKey(agents: Agents, host: string, cut: () => void): Promise<() => void> {
  const known = await agents.enrolledAt(host);
  const look = async (): Promise<void> => {
    if ((await agents.enrolledAt(host)) !== known) cut();
  };
  // A store that is away says nothing; it is asked again.
  const timer = setInterval(() => void look().catch(() => {}), KEY_LOOK_MS).unref();
  const end = agents.onEnded(ended => {
    if (ended === host) cut();
  });
  return () => {
    clearInterval(timer);
    end();
  };
}
