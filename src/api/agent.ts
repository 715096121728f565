import { z } from 'zod';
import { ListQuery, pageOf, Time } from './value.ts';

/** Shorter than a host name may be, so that `agent/HOST` is a worker's name. */
export const AgentHostName = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$/,
    'give letters, digits, dots and dashes, at most 100',
  )
  .meta({ description: 'Name of a host that has an agent.', examples: ['h7.rack2'] });
export const AgentHostPath = z.object({ host: AgentHostName });

/** The worker of a host's agent; the only one that the host's key may speak for. */
export const agentWorkerName = (host: string): string => `agent/${host}`;

/** What a host signs to get a session: of no use for anything else, on another host, or a second time. */
export const agentSessionText = (host: string, nonce: string): string =>
  `coax agent session 1\n${host}\n${nonce}`;

const MINUTE_MS = 60_000;
export const JoinTokenBody = z
  .strictObject({
    host: z
      .union([AgentHostName, z.literal('')])
      .default('')
      .meta({ description: 'Only a host of this name may use it; empty: one of any new name.' }),
    ttlMs: z
      .int()
      .min(1000)
      .max(7 * 24 * 60 * MINUTE_MS)
      .default(15 * MINUTE_MS)
      .meta({ description: 'It may be used for so long.' }),
    replace: z.boolean().default(false).meta({
      description: 'The host is known and gets another key; the one it had opens nothing any more.',
    }),
    url: z
      .string()
      .max(1000)
      .regex(
        /^https?:\/\/[^\s,'"`$;|&<>()\\]+(,https?:\/\/[^\s,'"`$;|&<>()\\]+)*$/,
        'give the address of a server',
      )
      .refine(urls => urls.split(',').every(url => URL.canParse(url)), 'give the address of a server')
      .optional()
      .meta({
        description:
          'Where the host reaches the server, or each of several with commas between; else where this request came to.',
        examples: ['https://a.example:7411,https://b.example:7411'],
      }),
  })
  .meta({ id: 'JoinTokenRequest' });
export type JoinTokenBody = z.input<typeof JoinTokenBody>;

export const JoinTokenView = z
  .object({
    token: z.string().meta({ description: 'Shown this once; the server keeps its hash.' }),
    host: z.string(),
    expires: Time,
    command: z.string().meta({ description: 'The whole line to paste on the host.' }),
  })
  .meta({ id: 'JoinToken', description: 'Lets one host join, once.' });
export type JoinTokenView = z.infer<typeof JoinTokenView>;

export const JoinTokenInfoView = z
  .object({
    id: z.string().meta({ description: 'Names it; lets nobody in.', examples: ['3fa9c07b21de'] }),
    host: z.string().meta({ description: 'The only host that may use it; empty: one of any new name.' }),
    replace: z.boolean().meta({ description: 'It gives a host that is known another key.' }),
    actor: z.string().meta({ description: 'Who asked for it.' }),
    created: Time,
    expires: Time,
    state: z.enum(['open', 'used', 'expired']).meta({
      description: '`open`: a host can join by it, once. `used`: one has. Others are kept for 7 days.',
    }),
    used: Time.nullable().meta({ description: 'When a host joined by it.' }),
    usedBy: z.string().meta({ description: 'The host that did; empty before.' }),
  })
  .meta({ id: 'JoinTokenInfo', description: 'A join token, without what lets a host in.' });
export type JoinTokenInfoView = z.infer<typeof JoinTokenInfoView>;
export const JoinTokenList = pageOf(JoinTokenInfoView, 'JoinTokenList');
export type JoinTokenList = z.infer<typeof JoinTokenList>;
export const JoinTokensQuery = ListQuery.extend({
  all: z.stringbool().default(false).meta({ description: 'Those that were used or have expired, too.' }),
});
export const JoinTokenPath = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{12}$/, 'give the 12 figures that `coax host token ls` shows')
    .meta({ description: 'Of a join token.', examples: ['3fa9c07b21de'] }),
});

const Mib = z.int().min(0).max(1e12);
/** One line; a database holds it, and a terminal shows it. */
const text = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[ -~\u00a0-\uffff]*$/, 'give one line');
export const AgentNetworkView = z
  .strictObject({
    cidr: text(50),
    gateway: text(50),
    prefix: z.int().min(0).max(128),
    mode: z.enum(['tap', 'user']),
    httpPort: z.int().min(0).max(65_535),
  })
  .meta({ id: 'AgentNetwork', description: "The network of a host's guests." });

export const AgentFacts = z
  .strictObject({
    cpuTotal: z.int().min(1).max(100_000),
    cpuOvercommit: z.number().min(0.01).max(1000),
    memTotalMib: Mib,
    diskTotalMib: Mib,
    gpus: z.array(z.strictObject({ model: text(100).min(1), count: z.int().min(1).max(1000) })).max(100),
    numa: z.array(z.strictObject({ cpus: z.int().min(0).max(100_000), memMib: Mib })).max(1024),
    labels: z
      .record(text(100).min(1), text(253))
      .refine(labels => Object.keys(labels).length <= 100, 'at most 100'),
    zone: text(100),
    rack: text(100),
    network: AgentNetworkView.nullable(),
    hypervisor: z.enum(['qemu', 'simulated', 'none']),
    accelerator: text(20),
    fault: text(1000).meta({ description: 'Why it cannot run VMs; empty when it can.' }),
  })
  .meta({ id: 'AgentFacts', description: 'What a host has; memory and disks in MiB.' });
export type AgentFacts = z.infer<typeof AgentFacts>;

const Version = text(64).min(1);
export const EnrolBody = z
  .strictObject({
    host: AgentHostName,
    publicKey: z
      .string()
      .max(200)
      .meta({ description: 'Ed25519: PEM of its SPKI, that in base64 (DER), or the 32 bytes in base64.' }),
    version: Version,
    facts: AgentFacts,
  })
  .meta({ id: 'EnrolRequest', description: 'A host joins; the token of the request is a join token.' });
export type EnrolBody = z.infer<typeof EnrolBody>;

const GuestNetwork = z
  .object({ ...AgentNetworkView.shape, name: z.string(), macPrefix: z.string() })
  .nullable()
  .meta({ description: "The network of the host's guests, as the server knows it." });
export const EnrolAnswer = z
  .object({
    host: z.string(),
    installation: z.string().meta({ description: "Tells this installation's guests from all others." }),
    network: GuestNetwork,
  })
  .meta({ id: 'Enrolled' });
export type EnrolAnswer = z.infer<typeof EnrolAnswer>;

const Nonce = z.string().regex(/^[A-Za-z0-9_-]{1,200}$/, 'give 1 to 200 letters, digits, _ and -');
export const ChallengeAnswer = z
  .object({
    nonce: Nonce.meta({
      description: 'To be signed: the lines `coax agent session 1`, HOST and NONCE, joined by a newline.',
    }),
    expiresInMs: z.int(),
  })
  .meta({ id: 'AgentChallenge' });
export type ChallengeAnswer = z.infer<typeof ChallengeAnswer>;
export const SessionBody = z
  .strictObject({
    nonce: Nonce,
    signature: z.string().max(200).meta({ description: 'Ed25519 signature, base64.' }),
  })
  .meta({ id: 'AgentSessionRequest' });
export type SessionBody = z.infer<typeof SessionBody>;
export const SessionAnswer = z
  .object({ token: z.string(), expiresInMs: z.int() })
  .meta({ id: 'AgentSession', description: 'A token of the host for a short while.' });
export type SessionAnswer = z.infer<typeof SessionAnswer>;

const MsgidOrNull = z.int().min(1).nullable();
const Figure = z.number().min(0).max(1e18);
const FigureOrNull = Figure.nullable();
export const GuestUse = z
  .strictObject({
    cpuPercent: Figure,
    rssBytes: Figure,
    pssBytes: FigureOrNull,
    readBytesPerSecond: FigureOrNull,
    writeBytesPerSecond: FigureOrNull,
    ioDelayPercent: FigureOrNull,
    counters: z
      .strictObject({
        atMs: Figure,
        startMs: Figure,
        cpuMs: Figure,
        readBytes: FigureOrNull,
        writtenBytes: FigureOrNull,
        ioDelayMs: FigureOrNull,
        threads: Figure,
      })
      .meta({ description: 'Since its process was started; times since the host was.' }),
  })
  .meta({ id: 'GuestUse', description: 'What a guest uses, over the time since the report before.' });

export const AgentReport = z
  .strictObject({
    bootId: text(100).min(1).meta({ description: 'Another one after each boot of the host.' }),
    version: Version,
    address: text(253).meta({ description: 'Where the host is reached, for people.' }),
    facts: AgentFacts,
    live: z.strictObject({
      load1: z.number().min(0),
      memAvailableMib: Mib,
      diskFreeMib: Mib,
      guestsRunning: z.int().min(0),
    }),
    guests: z
      .array(
        z.strictObject({
          uuid: text(36),
          name: text(63),
          msgid: MsgidOrNull,
          state: z.enum(['running', 'stopped', 'paused']),
          pid: z.int().min(1).nullable(),
          use: GuestUse.nullable().optional(),
        }),
      )
      .max(5000)
      .meta({ description: 'Every guest on the host.' }),
  })
  .meta({ id: 'AgentReport', description: 'What a host tells of itself every few seconds.' });
export type AgentReport = z.infer<typeof AgentReport>;

export const ReportAnswer = z
  .object({
    state: z.enum(['up', 'draining', 'down', 'lost']),
    reason: z.string().meta({ description: 'Why it is not up; empty otherwise.' }),
    leaseMs: z.int().meta({ description: 'Without another report for so long, the host is taken for down.' }),
    network: GuestNetwork,
  })
  .meta({ id: 'ReportAnswer' });
export type ReportAnswer = z.infer<typeof ReportAnswer>;

export const GoodbyeBody = z
  .strictObject({
    returns: z.boolean().default(false).meta({
      description:
        'Another agent is about to take its place, as at a restart: the host is not taken for down for 30 s.',
    }),
  })
  .meta({ id: 'GoodbyeRequest' });
export type GoodbyeBody = z.input<typeof GoodbyeBody>;

export const RevokeAnswer = z
  .object({ host: z.string(), sessions: z.int().meta({ description: 'Sessions that ended.' }) })
  .meta({ id: 'Revoked', description: "The host's key opens nothing any more." });
export type RevokeAnswer = z.infer<typeof RevokeAnswer>;

/** The agent of a host, in the host's view. */
export const AgentView = z
  .object({
    version: z.string(),
    address: z.string(),
    enrolled: Time,
    revoked: z.boolean(),
    bootId: z.string(),
    lastReport: Time.nullable(),
    leaseUntil: Time.nullable(),
    returnsUntil: Time.nullable().meta({
      description: 'Its agent is being started anew, and the host stays up until then; null otherwise.',
    }),
    live: AgentReport.shape.live.nullable(),
    guests: z.int().nullable(),
  })
  .meta({ id: 'Agent' });
