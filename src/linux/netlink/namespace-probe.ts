/** Run in a network namespace of its own by the test: makes links, and says what it and ip(8) see. */
import { exec } from '../process/exec.ts';
import { addresses, links, neighbours, type RouteChange, routeChanges, routes } from './route.ts';

const ip = async (...args: string[]): Promise<string> => {
  const { code, stdout, stderr } = await exec('ip', args);
  if (code !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr}`);
  return stdout;
};
const asJson = async (...args: string[]): Promise<unknown> => JSON.parse(await ip('-j', ...args));

for (const line of [
  'link add lan0 mtu 1400 type bridge',
  'link add one type veth peer name two',
  'link set one master lan0',
  'link set lo up',
  'link set lan0 up',
  'link set one up',
  'link set two up',
  'address add 10.7.0.1/24 dev lan0',
  'address add fd00:7::1/64 dev lan0 nodad',
  'route add 10.8.0.0/16 via 10.7.0.2',
  'neigh add 10.7.0.2 lladdr 02:00:00:00:00:02 dev lan0 nud permanent',
])
  await ip(...line.split(' '));

// Until addresses of the links' own are through their checks, two looks can differ.
await ip('-6', 'address', 'flush', 'scope', 'link');
const ours = [];
for (const list of [links, addresses, routes, neighbours])
  for await (const object of list()) ours.push(object);
const theirs = {
  links: await asJson('link'),
  addresses: await asJson('address'),
  routes: await asJson('-4', 'route'),
  neighbours: await asJson('neigh'),
};

const ending = new AbortController();
const changes: RouteChange[] = [];
const following = (async () => {
  for await (const change of routeChanges(ending.signal)) {
    changes.push(change);
    const { object } = change;
    if (change.change === 'gone' && object.kind === 'link' && object.name === 'late0') ending.abort();
  }
})();
for (const line of [
  'link add late0 type bridge',
  'address add 10.9.0.1/24 dev late0',
  'link set late0 up',
  'address del 10.9.0.1/24 dev late0',
  'link del late0',
])
  await ip(...line.split(' '));
await following;
process.stdout.write(JSON.stringify({ ours, ip: theirs, changes }));
