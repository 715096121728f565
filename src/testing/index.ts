/** Suites of promises: whoever builds another store, channel or hypervisor runs them on it. */
export { type ChannelFactory, channelConformance, type OpenChannel } from './channel-conformance.ts';
export { hypervisorConformance } from './hypervisor-conformance.ts';
export type { StoreFactory } from './store-conformance/fixture.ts';
export { storeConformance } from './store-conformance/store-conformance.ts';
