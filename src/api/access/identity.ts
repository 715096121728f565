import { z } from 'zod';
import { ProjectName } from '../message.ts';
import { ListQuery, pageOf, Time } from '../value.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const RoleName = z.enum(['viewer', 'operator', 'admin', 'worker']).meta({
  id: 'Role',
  description:
    'viewer: sees. operator: also submits and decides. admin: also gives rights. worker: does steps, for the whole installation only.',
});
export type RoleName = z.infer<typeof RoleName>;

/** A project, or the whole installation. */
export const ProjectOrAll = z
  .union([ProjectName, z.literal('*')])
  .meta({ description: 'Name of a project; `*` for the whole installation.', examples: ['default'] });

const TokenName = z
  .string()
  .regex(
    /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/,
    'give letters, digits, dots and dashes, at most 63',
  )
  .meta({ description: 'Name of a token.', examples: ['laptop'] });
const AccountName = ProjectName.meta({ description: 'Name of a service account.', examples: ['ci'] });
const Subject = z
  .string()
  .max(254)
  .regex(
    /^(sa\/[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?|group:[^\s\p{C}]{1,200}|[^\s\p{C}:/]{1,200})$/u,
    'give sa/NAME, group:NAME, or a person as the login names them',
  )
  .meta({
    description: 'A person as the login names them, `group:NAME`, or `sa/NAME`.',
    examples: ['alice@example.org'],
  });

export const TokenNamePath = z.object({ name: TokenName });
export const AccountPath = z.object({ name: AccountName });
export const ProjectPath = z.object({ name: ProjectName });
/** Lists of who may do what: of one project, or of the whole installation. */
export const RightsQuery = ListQuery.extend({
  project: ProjectOrAll.optional().meta({
    description: 'Only what is of this project; `*`: of the installation.',
  }),
});
export const TokensQuery = RightsQuery.extend({
  all: z.stringbool().default(false).meta({ description: 'Those that are no longer good, too.' }),
});

export const WhoamiView = z
  .object({
    actor: z.string().meta({ description: 'As it stands in the ledger.', examples: ['alice@example.org'] }),
    host: z.string().nullable().meta({ description: 'The host whose session asks.' }),
    roles: z.array(z.object({ project: z.string(), role: RoleName })),
    session: z.boolean().meta({ description: 'Let in by a login rather than by a token.' }),
  })
  .meta({ id: 'Whoami', description: 'Who asks, and what that may do.' });
export type WhoamiView = z.infer<typeof WhoamiView>;

const Labels = z
  .record(
    z
      .string()
      .regex(/^[a-z][a-z0-9_.-]{0,62}$/, 'give a name of lower-case letters, digits and _.-, at most 63'),
    z.string().max(256),
  )
  .refine(labels => Object.keys(labels).length <= 64, 'at most 64 labels')
  .meta({ description: 'Labels of one’s own.', examples: [{ team: 'web' }] });
export const ProjectBody = z
  .strictObject({ name: ProjectName, labels: Labels.default({}) })
  .meta({ id: 'ProjectRequest' });
export type ProjectBody = z.input<typeof ProjectBody>;
export const ProjectEditBody = z.strictObject({ labels: Labels }).meta({ id: 'ProjectEdit' });
export type ProjectEditBody = z.input<typeof ProjectEditBody>;
export const ProjectView = z
  .object({
    name: z.string(),
    labels: z.record(z.string(), z.string()),
    created: Time,
    createdBy: z.string(),
  })
  .meta({ id: 'Project', description: 'Whose messages and VMs are whose.' });
export type ProjectView = z.infer<typeof ProjectView>;
export const ProjectList = pageOf(ProjectView, 'ProjectList');
export type ProjectList = z.infer<typeof ProjectList>;

export const TokenBody = z
  .strictObject({
    name: TokenName,
    project: ProjectOrAll,
    role: RoleName.optional().meta({ description: 'May be left out with `account`: what its roles give.' }),
    account: AccountName.optional().meta({ description: 'The service account that it is for.' }),
    ttlMs: z
      .int()
      .min(1000)
      .max(3650 * DAY_MS)
      .optional()
      .meta({ description: 'It is good for so long; without it, until it is revoked.' }),
  })
  .meta({ id: 'TokenRequest' });
export type TokenBody = z.input<typeof TokenBody>;
export const TokenView = z
  .object({
    name: z.string(),
    prefix: z.string().meta({ description: 'First characters of its text.' }),
    actor: z.string().meta({ description: 'As whom it stands in the ledger.' }),
    account: z.string().nullable(),
    project: z.string(),
    role: RoleName.nullable().meta({ description: 'Null: what the account’s roles give.' }),
    created: Time,
    createdBy: z.string(),
    expires: Time.nullable(),
    revoked: Time.nullable(),
    lastUsed: Time.nullable().meta({ description: 'To the minute.' }),
  })
  .meta({ id: 'Token', description: 'An API token, without what opens something.' });
export type TokenView = z.infer<typeof TokenView>;
export const TokenMade = TokenView.extend({
  token: z.string().meta({ description: 'Shown this once; the server keeps its hash.' }),
}).meta({ id: 'TokenMade' });
export type TokenMade = z.infer<typeof TokenMade>;
export const TokenList = pageOf(TokenView, 'TokenList');
export type TokenList = z.infer<typeof TokenList>;

export const AccountBody = z
  .strictObject({
    name: AccountName,
    project: ProjectOrAll,
    about: z.string().max(200).default('').meta({ description: 'What it is for.' }),
  })
  .meta({ id: 'AccountRequest' });
export type AccountBody = z.input<typeof AccountBody>;
export const AccountView = z
  .object({
    name: z.string(),
    project: z.string().meta({ description: 'Whose it is: its admins may change it.' }),
    about: z.string(),
    created: Time,
    createdBy: z.string(),
  })
  .meta({ id: 'Account', description: 'A service account: a name for a program.' });
export type AccountView = z.infer<typeof AccountView>;
export const AccountList = pageOf(AccountView, 'AccountList');
export type AccountList = z.infer<typeof AccountList>;

export const GrantBody = z
  .strictObject({ subject: Subject, project: ProjectOrAll, role: RoleName })
  .meta({ id: 'GrantRequest' });
export type GrantBody = z.input<typeof GrantBody>;
export const WithdrawBody = z
  .strictObject({ subject: Subject, project: ProjectOrAll })
  .meta({ id: 'WithdrawRequest' });
export type WithdrawBody = z.input<typeof WithdrawBody>;
export const RoleQuery = z.strictObject({ subject: Subject, project: ProjectOrAll });
export const RoleView = z
  .object({
    subject: z.string(),
    project: z.string(),
    role: RoleName,
    created: Time,
    createdBy: z.string(),
  })
  .meta({ id: 'RoleBinding', description: 'Who has which role where.' });
export type RoleView = z.infer<typeof RoleView>;
export const RoleList = pageOf(RoleView, 'RoleList');
export type RoleList = z.infer<typeof RoleList>;

export const SessionPath = z.object({
  id: z
    .string()
    .regex(/^[0-9a-f]{16}$/, 'give the 16 hex digits that `coax session ls` shows')
    .meta({ description: 'As the list of sessions has it.' }),
});
export const SessionView = z
  .object({
    id: z.string().meta({ description: 'Names the session; opens nothing.' }),
    actor: z.string(),
    by: z.enum(['token', 'provider']).meta({ description: 'What was traded for it: a token, or a login.' }),
    created: Time,
    expires: Time.meta({ description: 'Later, when the provider looks at the person again by then.' }),
    looked: Time.nullable().meta({ description: 'When the provider looked at the person last.' }),
  })
  .meta({ id: 'LoginSession', description: 'A session of a person.' });
export type SessionView = z.infer<typeof SessionView>;
export const SessionList = pageOf(SessionView, 'LoginSessionList');
export type SessionList = z.infer<typeof SessionList>;

export const SignInBody = z.strictObject({ token: z.string().min(1).max(512) }).meta({ id: 'SignIn' });
export const TicketBody = z
  .strictObject({
    ticket: z.string().min(1).max(512),
    instead: z
      .boolean()
      .default(false)
      .meta({ description: 'Of whoever else is signed in in this browser.' }),
  })
  .meta({ id: 'TicketSignIn' });
export const ConsoleTicket = z
  .object({
    ticket: z.string().meta({ description: 'Good once; for the fragment of `/enter#ticket=…&to=PATH`.' }),
    expires: Time,
  })
  .meta({ id: 'ConsoleTicket', description: 'Lets a browser in as whoever asked for it.' });
export type ConsoleTicket = z.infer<typeof ConsoleTicket>;
export const Done = z.object({ ok: z.literal(true) }).meta({ id: 'Done' });

export const LoginQuery = z.object({
  to: z
    .string()
    .default('/')
    .meta({ description: 'Path of the page to go to then; what is no path of this server counts as `/`.' }),
});
/** RFC 6749, 4.1.2, and RFC 9207; providers may add more. */
export const LoginAnswer = z.object({
  code: z.string().optional().meta({ description: 'What the login is traded for.' }),
  state: z.string().optional().meta({ description: 'Which login that is.' }),
  iss: z.string().optional().meta({ description: 'The provider that answers.' }),
  error: z.string().optional().meta({ description: 'Why there is no login.' }),
});
const OidcCli = z.object({
  issuer: z.string().meta({ description: 'The provider.' }),
  clientId: z.string().meta({ description: 'The public client that command lines are there.' }),
  scopes: z.array(z.string()),
});
export type OidcCli = z.infer<typeof OidcCli>;
export const ExchangeBody = z
  .strictObject({
    idToken: z.string().min(1).max(16_384),
    accessToken: z.string().min(1).max(16_384),
  })
  .meta({ id: 'Exchange', description: 'What the provider gave a command line, minutes ago at most.' });
export type ExchangeBody = z.input<typeof ExchangeBody>;
export const SessionMade = z
  .object({
    session: z.string().meta({ description: 'Opens what a token opens; the server keeps its hash.' }),
    expires: Time,
    actor: z.string().meta({ description: 'As it stands in the ledger.' }),
    roles: z.array(z.object({ project: z.string(), role: RoleName })),
  })
  .meta({ id: 'SessionMade', description: 'The session of a person who has logged in.' });
export type SessionMade = z.infer<typeof SessionMade>;
export const SignInMethods = z
  .object({
    token: z.literal(true),
    oidc: z
      .object({
        name: z.string().meta({ description: 'As people know the provider.' }),
        path: z.string().meta({ description: 'Where a browser begins.' }),
        cli: OidcCli.nullable().meta({
          description: 'How a command line logs in; null: not by the provider.',
        }),
      })
      .nullable(),
  })
  .meta({ id: 'SignInMethods', description: 'How people sign in here.' });
export type SignInMethods = z.infer<typeof SignInMethods>;
