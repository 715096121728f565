import { vmFlowVerb } from './run-vm-flow.ts';

export const verb = vmFlowVerb('stop', 'stop_vm', 'powers it down; it keeps its host, address and name');
