import type { NetworkSpec } from './network/register-network.ts';
import type { HostSpec } from './resource/register-hosts.ts';

/** Room for 65,533 guests that exist on paper only. */
export const SIMULATED_NETWORK: NetworkSpec = {
  cidr: '10.78.0.0/16',
  gateway: '10.78.0.1',
  prefix: 16,
  mode: 'tap',
  httpPort: 80,
  simulated: true,
};

/** sim-1 to sim-4: 64 CPUs and 256 GiB each, two in each of two zones. */
export function simulatedHosts(network: string): HostSpec[] {
  return [1, 2, 3, 4].map(number => ({
    name: `sim-${number}`,
    cpuTotal: 64,
    cpuOvercommit: 1,
    memTotalMib: 256 * 1024,
    labels: {},
    zone: number <= 2 ? 'a' : 'b',
    network,
    reason: '',
    hypervisor: 'simulated',
    accelerator: 'none',
    simulated: true,
  }));
}
