import { vmFlowVerb } from './run-vm-flow.ts';

export const verb = vmFlowVerb('start', 'start_vm', 'boots a stopped VM');
