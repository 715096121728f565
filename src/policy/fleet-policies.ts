import type { HostView } from '../placement/inventory/host-view.ts';
import { type Policy as FleetPolicy, POLICIES, USUAL_POLICY } from '../placement/policies/policy.ts';
import type { PlacementRequest } from '../placement/request.ts';
import { WEIGHERS } from '../placement/weighers/all.ts';
import type { HostFacts, RequestFacts } from './facts.ts';
import type { Policy, PolicyBook } from './policy-book.ts';
import type { Builtin } from './read-policies.ts';

const ABOUT: Readonly<Record<string, string>> = {
  pack: 'as few hosts as possible; scarce GPUs are kept for those who need them',
  spread: 'where most memory and CPU is free',
  balance: 'where CPU and memory would be used alike',
  tight: 'where least memory and CPU is left',
};

/** What comes with Coax. */
export const BUILTIN: Builtin = {
  default: USUAL_POLICY,
  policies: Object.fromEntries(
    Object.entries(POLICIES).map(([name, { weights }]) => [name, { about: ABOUT[name] ?? '', weights }]),
  ),
  weighers: WEIGHERS.map(({ name }) => name),
};

/** The policies of a file as the fleet takes them. */
export function fleetPolicies(book: PolicyBook): Record<string, FleetPolicy> {
  return Object.fromEntries(
    book
      .list()
      .filter(policy => !policy.builtin)
      .map(policy => [policy.name, fleetPolicy(policy)]),
  );
}

function fleetPolicy({ weights, weighers, rules }: Policy): FleetPolicy {
  const own = Object.fromEntries(weighers.map(({ name, weight }) => [name, weight]));
  const all = { ...weights, ...own };
  return {
    // A policy that says only whom it refuses packs.
    weights: Object.keys(all).length === 0 ? POLICIES[USUAL_POLICY]!.weights : all,
    weighers: weighers.map(({ name, weigh }) => ({
      name,
      weigh: (view, request) => weigh(hostFacts(view), requestFacts(request)),
    })),
    filters: rules.map(({ name, passes }) => ({
      name,
      passes: (view, request) => passes(hostFacts(view), requestFacts(request)) === '',
      why: (view, request) => passes(hostFacts(view), requestFacts(request)),
    })),
  };
}

function hostFacts(view: HostView): HostFacts {
  const { host, gpuMilliFree } = view;
  return {
    name: host.name,
    state: host.state,
    zone: host.zone,
    rack: host.rack,
    labels: host.labels,
    simulated: host.simulated,
    hypervisor: host.hypervisor,
    accelerator: host.accelerator,
    cpuTotal: view.cpuMilliLimit / 1000,
    cpuFree: view.cpuMilliFree / 1000,
    memTotalMib: view.memMibLimit,
    memFreeMib: view.memMibFree,
    diskTotalMib: host.diskMibTotal - host.diskMibReserved,
    diskFreeMib: view.diskMibFree,
    gpuModel: host.gpuModel,
    gpus: host.gpuMilliTotal.length,
    gpusFree: gpuMilliFree.reduce((sum, milli) => sum + milli, 0) / 1000,
    vms: view.vms,
    ioLoad: host.ioLoad,
  };
}

const requestFacts = (request: PlacementRequest): RequestFacts => ({
  cpu: request.cpuMilli / 1000,
  memMib: request.memMib,
  diskMib: request.diskMib,
  gpu: (request.gpu * request.gpuMilli) / 1000,
  project: request.project,
  group: request.group?.name ?? '',
  labels: request.labels,
  preemptible: request.preemptible,
});
