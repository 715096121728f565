import { vmFlowVerb } from './run-vm-flow.ts';

export const verb = vmFlowVerb('reboot', 'reboot_vm', 'resets it');
