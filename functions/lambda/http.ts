/** HTTP functions: the routes of some groups behind function URLs and both kinds of API Gateway. */

import { basename } from "node:path";
import type {
  APIGatewayProxyEvent,
  APIGatewayProxyEventV2,
  APIGatewayProxyResult,
  Handler,
} from "aws-lambda";
import { Hono } from "hono";
import { handle, type LambdaContext, type LambdaEvent, streamHandle } from "hono/aws-lambda";
import { NearsightError } from "../../core/index.ts";
import { createApp, type Group } from "../app.ts";
import { authentication } from "../auth/authentication.ts";
import { type BuildService, Builds } from "../builds.ts";
import { problem } from "../problem.ts";
import type { Resources } from "../resources.ts";
import type { Router } from "../router.ts";
import type { ServiceOptions } from "../services.ts";
import { type Container, createContainer, type FunctionSpec } from "./container.ts";
import { withinDeadline } from "./deadline.ts";
import { logged } from "./logged.ts";

/** What Lambda gives with a request. */
export interface LambdaBindings {
  readonly event: LambdaEvent;
  /** Of an answer given as a whole. */
  readonly lambdaContext?: LambdaContext;
  /** Of an answer given in parts. */
  readonly context?: LambdaContext;
}

export type HttpEvent = APIGatewayProxyEventV2 | APIGatewayProxyEvent;
export type HttpHandler = Handler<HttpEvent, APIGatewayProxyResult>;

export interface HttpFunctionSpec extends FunctionSpec {
  readonly groups: readonly Group[];
  /** Gives links to objects of buckets, and takes uploads. Default: there are none. */
  readonly objects?: (resources: Resources) => Pick<ServiceOptions, "objects" | "uploads">;
  /** Does the builds that requests ask for. Default: this process, while it is not frozen. */
  readonly builds?: (container: Container) => BuildService;
}

export interface HttpFunction {
  /** Answers as a whole. */
  readonly handler: HttpHandler;
  /** Answers in parts as they are made, for function URLs with `RESPONSE_STREAM`; only the Lambda runtime can. */
  readonly stream: HttpHandler;
}

/** What Lambda takes as an answer at most, in bytes of its JSON: 6 MB and 100 bytes. */
const MOST_ANSWER_BYTES = 6_291_556;
/** A character of a body is at most 6 bytes of JSON: a shorter one needs no counting. */
const SURELY_SMALL = Math.floor(MOST_ANSWER_BYTES / 6) - 100_000;

/** The handlers of a function, which share one container. */
export function httpFunction(spec: HttpFunctionSpec): HttpFunction {
  const container = createContainer(spec);
  const front = frontOf(appOf(spec, container));
  const answer = handle(front) as unknown as (
    event: HttpEvent,
    context: unknown,
  ) => Promise<APIGatewayProxyResult>;
  const handler: HttpHandler = async (event, context) => {
    const result = await answer(event, context);
    return fits(result) ? result : (handle(refusing(tooLarge())) as unknown as typeof answer)(event, context);
  };
  const stream = canStream() ? (streamHandle(front) as unknown as HttpHandler) : handler;
  return { handler, stream };
}

/** Lambda's runtime brings what a streamed answer is made with; elsewhere there is at most an empty object. */
function canStream(): boolean {
  const { awslambda } = globalThis as { awslambda?: { streamifyResponse?: unknown } };
  return awslambda?.streamifyResponse !== undefined;
}

/** The application on the installation, made with the first request. */
function appOf(spec: HttpFunctionSpec, container: Container): () => Promise<Router> {
  let app: Router | undefined;
  return async () => {
    const nearsight = await container.nearsight();
    const { resources } = container;
    const { api } = resources;
    app ??= createApp(
      {
        nearsight,
        builds: spec.builds?.(container) ?? new Builds(),
        authenticate: authentication(api),
        allow: { ...api.allow, models: [...api.allow.models, ...ownModel(resources)] },
        origins: api.origins,
        limits: api.limits,
        secret: api.secret,
        ...spec.objects?.(resources),
        around: [logged(container.log), withinDeadline()],
      },
      spec.groups,
    );
    return app;
  };
}

/** The service's own model may be named, like the one that ships. */
function ownModel({ model }: Resources): string[] {
  return model === null ? [] : [basename(model.prefix)];
}

/** Takes requests before there is an application, and says so where there can be none. */
function frontOf(app: () => Promise<Router>): Hono<{ Bindings: LambdaBindings }> {
  const front = new Hono<{ Bindings: LambdaBindings }>();
  front.onError((error, context) => problem(context, error));
  return front.all("*", async (context) => (await app()).fetch(context.req.raw, context.env));
}

function refusing(error: NearsightError): Hono {
  const app = new Hono();
  app.onError((thrown, context) => problem(context, thrown));
  return app.all("*", () => {
    throw error;
  });
}

function fits({ body, ...rest }: APIGatewayProxyResult): boolean {
  if (body.length < SURELY_SMALL) return true;
  return Buffer.byteLength(JSON.stringify({ ...rest, body })) <= MOST_ANSWER_BYTES;
}

function tooLarge(): NearsightError {
  return new NearsightError({
    code: "LIMIT_EXCEEDED",
    message: `The answer has more than the ${MOST_ANSWER_BYTES} bytes that AWS Lambda lets through`,
    hint: "Ask for fewer rows at a time, or call a function URL that streams",
    details: { limit: MOST_ANSWER_BYTES },
  });
}
