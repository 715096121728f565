import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AwsClient } from 'aws4fetch';
import { exec } from '../../src/linux/process/exec.ts';
import { freePort } from '../../src/testing/free-port.ts';
import { Processes, until } from '../system/process-fixture.ts';

/** Who may use it, as Swift's own authentication has it: it checks every signature. */
const USER = { accessKeyId: 'test:tester', secretAccessKey: 'testing' };

/** A real object store with the S3 API: OpenStack Swift of Debian, one of each of its servers, on ports of its own. */
export class SwiftServer implements AsyncDisposable {
  readonly #processes = new Processes();
  #url = '';

  static async open(bucket: string): Promise<SwiftServer> {
    const swift = new SwiftServer();
    try {
      await swift.#start(bucket);
      return swift;
    } catch (error) {
      await swift[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What a server that keeps packages there has in its environment. */
  env(secret = USER.secretAccessKey): Record<string, string> {
    return {
      COAX_S3_ENDPOINT: this.#url,
      AWS_ACCESS_KEY_ID: USER.accessKeyId,
      AWS_SECRET_ACCESS_KEY: secret,
      AWS_REGION: 'us-east-1',
    };
  }

  async #start(bucket: string): Promise<void> {
    const [memcached, proxy] = [await freePort(), await freePort()];
    const dir = this.#processes.path('swift');
    mkdirSync(join(dir, 'srv/d1'), { recursive: true });
    this.#processes.start('memcached', ['-u', 'root', '-l', '127.0.0.1', '-p', String(memcached)]);
    await Promise.all(
      ['account', 'container', 'object'].map(async kind => this.#storage(kind, dir, await freePort())),
    );
    const file = join(dir, 'proxy.conf');
    writeFileSync(file, proxyConf(dir, proxy, memcached));
    const program = this.#processes.start('swift-proxy-server', [file]);
    let over = false;
    void program.ended.then(() => {
      over = true;
    });
    this.#url = `http://127.0.0.1:${proxy}`;
    const client = new AwsClient({ ...USER, service: 's3', region: 'us-east-1', retries: 0 });
    await until('the bucket is made', async () => {
      if (over) throw new Error(`Swift ended: ${program.output}`);
      const answer = await client.fetch(`${this.#url}/${bucket}`, { method: 'PUT' }).catch(() => null);
      await answer?.text();
      return answer?.status === 200;
    });
  }

  async #storage(kind: string, dir: string, port: number): Promise<void> {
    const ring = async (...args: string[]): Promise<void> => {
      const { code, stderr } = await exec('swift-ring-builder', [join(dir, `${kind}.builder`), ...args], {
        timeoutMs: 60_000,
      });
      if (code !== 0) throw new Error(`swift-ring-builder ${args.join(' ')}: ${stderr}`);
    };
    await ring('create', '4', '1', '1');
    const at = ['--region', '1', '--zone', '1', '--ip', '127.0.0.1', '--port', String(port)];
    await ring('add', ...at, '--device', 'd1', '--weight', '1');
    await ring('rebalance');
    const file = join(dir, `${kind}.conf`);
    const lines = [
      `devices = ${dir}/srv`,
      'mount_check = false',
      `[pipeline:main]`,
      `pipeline = ${kind}-server`,
    ];
    const app = [`[app:${kind}-server]`, `use = egg:swift#${kind}`];
    writeFileSync(file, [...common(dir, port), ...lines, ...app, ''].join('\n'));
    this.#processes.start(`swift-${kind}-server`, [file]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes[Symbol.asyncDispose]();
  }
}

const common = (dir: string, port: number): string[] => [
  '[DEFAULT]',
  'bind_ip = 127.0.0.1',
  `bind_port = ${port}`,
  // In the process itself, so that its end is the server's end.
  'workers = 0',
  'user = root',
  `swift_dir = ${dir}`,
];

const proxyConf = (dir: string, port: number, memcached: number): string =>
  [
    ...common(dir, port),
    '[pipeline:main]',
    'pipeline = catch_errors cache listing_formats bulk s3api tempauth slo copy proxy-server',
    '[app:proxy-server]',
    'use = egg:swift#proxy',
    'account_autocreate = true',
    ...['catch_errors', 'listing_formats', 'bulk', 'slo', 'copy'].flatMap(name => [
      `[filter:${name}]`,
      `use = egg:swift#${name}`,
    ]),
    '[filter:cache]',
    'use = egg:swift#memcache',
    `memcache_servers = 127.0.0.1:${memcached}`,
    '[filter:s3api]',
    'use = egg:swift#s3api',
    'location = us-east-1',
    '[filter:tempauth]',
    'use = egg:swift#tempauth',
    `user_test_tester = ${USER.secretAccessKey} .admin`,
    '',
  ].join('\n');
