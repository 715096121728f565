import { cell } from '../../output/output.ts';
import { styleStatus } from '../../output/style.ts';
import { defineVerb } from '../../verb.ts';
import { memory, SIMULATED } from './columns.ts';

/** One VM. */
export const verb = defineVerb({
  examples: [
    ['coax vm show web-3', 'by name'],
    ['coax vm show 0192ac -o json', 'by the first digits of its uuid'],
  ],
  args: [{ name: '<vm>', about: 'Name, or first digits of the uuid', completes: 'vm' }],
  async run(context, [name = '']) {
    const { out } = context;
    const vm = await (await context.client()).vm(name);
    await out.object(vm, vm.name, () => {
      out.fields([
        ['name', cell(vm.name)],
        ['note', vm.simulated ? out.style('yellow', SIMULATED) : null],
        ['state', styleStatus(out.style, vm.state)],
        ['uuid', cell(vm.uuid)],
        ['host', cell(vm.host)],
        ['cpu', vm.cpu],
        ['mem', memory(vm.memMib)],
        ['ip', cell(vm.ip)],
        ['mac', cell(vm.mac)],
        ['network', cell(vm.network)],
        ['url', cell(vm.url)],
        ['message', vm.msgid],
        [out.timeHead('age', 'created'), out.time(vm.created)],
      ]);
      out.hint(`coax log ${vm.msgid}; coax vm console ${cell(vm.name)}`);
    });
    return 0;
  },
});
