import NIOCore
import NIOHTTP1

/// One connection: lets requests through that may be asked, hands them to the site, and writes what it answers.
///
/// One request is answered at a time. The next one is neither handled nor read before the answer has left, so a client
/// that sends requests without reading answers costs one answer and is closed after ``Patience/answer``.
///
/// Everything here belongs to the connection's event loop.
final class RequestHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    /// Between answers to requests that came together, for each open connection: all connections together get a
    /// thousand such answers a second, so that the event loop has time for others.
    private static let pipeliningPause: TimeAmount = .milliseconds(1)

    private let site: WebSite
    private let headLimit: HeadLimit
    private var head: HTTPRequestHead?
    private var deadline: Scheduled<Void>?
    private var isAnswering = false
    private var isStreaming = false
    private var hasAnswered = false
    private var readsBefore = 0
    /// Whether the request was there before the one before it was answered.
    private var isPipelined = false
    private var wasRefused = false
    /// Whether a request of this connection had the right password or token.
    private var isAuthenticated = false

    init(site: WebSite, headLimit: HeadLimit) {
        self.site = site
        self.headLimit = headLimit
    }

    func channelActive(context: ChannelHandlerContext) {
        expect(within: site.patience.head, .slow, context)
        context.fireChannelActive()
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline?.cancel()
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        // From its first byte on a request has a fixed time; the bytes that follow do not extend it.
        if event is HeadLimit.RequestStarted, hasAnswered, !isAnswering, !isStreaming {
            expect(within: site.patience.head, .slow, context)
        }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch Self.unwrapInboundIn(data) {
        case .head(let head): self.head = head
        case .body: break
        case .end:
            guard let head else { return }
            self.head = nil
            deadline?.cancel()
            headLimit.reset()
            isPipelined = headLimit.reads == readsBefore
            readsBefore = headLimit.reads
            handle(head, context)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard let error = error as? HTTPParserError else {
            // The connection is broken.
            context.close(promise: nil)
            return
        }
        let isLong = error == .headerOverflow
        refuse(isLong ? .tooLarge : .badRequest, context)
        guard !isAnswering, !isStreaming, context.channel.isActive else { return }
        isAnswering = true
        let status: HTTPResponseStatus = isLong ? .requestHeaderFieldsTooLarge : .badRequest
        var answer = Answer.failure(status, status.reasonPhrase, "this is no request that can be answered")
        answer.closes = true
        write(answer, to: nil, context)
    }

    // MARK: Requests

    private func handle(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        isAnswering = true
        site.connections.enter(.answering, context.channel)
        if let answer = objection(to: head, context) {
            let loop = context.eventLoop
            guard answer.status == .unauthorized, head.headers.contains(name: "Authorization") else {
                write(answer, to: head, context)
                return
            }
            // Guessing is to take time; a browser asks first without a password, and that costs it nothing.
            let bound = NIOLoopBound((self, context), eventLoop: loop)
            deadline = loop.scheduleTask(in: site.patience.wrongPassword) {
                let (handler, context) = bound.value
                handler.write(answer, to: head, context)
            }
            return
        }
        guard let request = Request(head) else {
            refuse(.badRequest, context)
            write(.failure(.badRequest, "bad_request", "the path or the query cannot be read"), to: head, context)
            return
        }
        if request.path == "/api/v1/events", request.query["with"] ?? "health" != "health" {
            write(.failure(.badRequest, "bad_with", "with is health, or not there"), to: head, context)
            return
        }
        if request.path == "/api/v1/events", !request.isHead {
            stream(request, context)
            return
        }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        expect(within: site.patience.answer, nil, context)
        site.answer(request).hop(to: context.eventLoop).whenSuccess { answer in
            let (handler, context) = bound.value
            handler.write(answer, to: head, context)
        }
    }

    /// What is in the way of a request, if something is.
    private func objection(to head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Answer? {
        let hosts = head.headers["Host"]
        guard hosts.count == 1 || hosts.isEmpty && head.version == .http1_0 else {
            refuse(.badRequest, context)
            return .failure(.badRequest, "bad_request", "one Host header is needed")
        }
        if let host = hosts.first, !site.hosts.allows(host) {
            refuse(.wrongHost, context)
            return .failure(
                .misdirectedRequest, "wrong_host", "this is not a name of this server; add it to web.hosts if it is")
        }
        guard head.method == .GET || head.method == .HEAD else {
            refuse(.method, context)
            var answer = Answer.failure(.methodNotAllowed, "method_not_allowed", "there is only reading here")
            answer.headers.append(("Allow", "GET, HEAD"))
            answer.closes = true
            return answer
        }
        let length = head.headers["Content-Length"].first ?? "0"
        guard length == "0", !head.headers.contains(name: "Transfer-Encoding") else {
            refuse(.badRequest, context)
            var answer = Answer.failure(.payloadTooLarge, "no_body", "a request for reading has no body")
            answer.closes = true
            return answer
        }
        // Whether it lives may be asked by anybody: it tells nothing else.
        return head.uri == "/healthz" ? nil : loginObjection(to: head, context)
    }

    /// What is in the way of a request by its password or token, if something is.
    private func loginObjection(to head: HTTPRequestHead, _ context: ChannelHandlerContext) -> Answer? {
        guard site.credentials.areWanted else { return nil }
        let header = head.headers["Authorization"].first
        let key = header.map {
            LoginLimiter.Key(
                peer: ConnectionTable.peer(of: context.channel) ?? "", scheme: Credentials.scheme($0))
        }
        if let key, !isAuthenticated, !(key.scheme == .token && site.credentials.hasUnguessableToken),
            let wait = site.logins.lockRemaining(key)
        {
            return lockedOut(wait, context)
        }
        if site.credentials.allow(header) {
            isAuthenticated = true
            return nil
        }
        isAuthenticated = false
        if let key {
            let wait = site.logins.lockRemaining(key)
            site.logins.recordFailure(key)
            if let wait { return lockedOut(wait, context) }
        }
        refuse(.noPassword, context)
        var answer = Answer.failure(.unauthorized, "unauthorized", "a password or a token is needed")
        answer.headers.append(("WWW-Authenticate", "Basic realm=\"vebridge\", charset=\"UTF-8\""))
        return answer
    }

    private func lockedOut(_ wait: TimeAmount, _ context: ChannelHandlerContext) -> Answer {
        refuse(.lockedOut, context)
        var answer = Answer.failure(
            .tooManyRequests, "locked_out", "too many wrong passwords or tokens from this address; try again later")
        answer.headers.append(("Retry-After", "\((wait.nanoseconds + 999_999_999) / 1_000_000_000)"))
        answer.closes = true
        return answer
    }

    private func refuse(_ refusal: Refusal, _ context: ChannelHandlerContext) {
        // Of what follows from one fault only the first is counted.
        guard !wasRefused || [.noPassword, .lockedOut, .slow].contains(refusal) else { return }
        wasRefused = true
        site.refuse(refusal, context.channel)
    }

    // MARK: Answers

    private func write(_ answer: Answer, to head: HTTPRequestHead?, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        var headers = HTTPHeaders(Answer.security)
        var answer = answer
        if answer.body.readableBytes > site.connections.limits.largestAnswer {
            answer = .failure(.badRequest, "too_large", "the answer is too large: ask for less at once")
        }
        if let tag = answer.tag {
            headers.add(name: "ETag", value: tag)
            headers.add(name: "Cache-Control", value: "no-cache")
            if head?.headers["If-None-Match"].first == tag { answer.status = .notModified }
        } else {
            headers.add(name: "Cache-Control", value: "no-store")
        }
        for (name, value) in answer.headers { headers.add(name: name, value: value) }
        let hasBody = answer.status != .notModified
        if hasBody {
            headers.add(name: "Content-Type", value: answer.contentType)
            headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
        }
        let isKept = !answer.closes && (head?.isKeepAlive ?? false)
        if !isKept { headers.add(name: "Connection", value: "close") }
        let headPart = HTTPServerResponsePart.head(.init(version: .http1_1, status: answer.status, headers: headers))
        let sendsBody = hasBody && head?.method != .HEAD
        let size = sendsBody ? Int64(answer.body.readableBytes) : 0
        expect(
            within: site.patience.answer + .milliseconds(size * 1000 / Int64(max(1, site.patience.slowestRate))), .slow,
            context)
        let left = context.eventLoop.makePromise(of: Void.self)
        context.write(Self.wrapOutboundOut(headPart), promise: sendsBody ? nil : left)
        if sendsBody { context.write(Self.wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: left) }
        context.flush()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        left.futureResult.whenComplete { result in
            // Not at once: many requests that came together would be answered one inside the other.
            let complete: @Sendable () -> Void = {
                let (handler, context) = bound.value
                handler.complete(isKept: isKept, result, context)
            }
            if bound.value.0.isPipelined {
                let pause = Self.pipeliningPause * max(1, bound.value.0.site.connections.count)
                bound.eventLoop.scheduleTask(in: pause, complete)
            } else {
                bound.eventLoop.execute(complete)
            }
        }
    }

    /// An answer has left, or cannot leave.
    private func complete(isKept: Bool, _ result: Result<Void, any Error>, _ context: ChannelHandlerContext) {
        guard context.channel.isActive else { return }
        isAnswering = false
        hasAnswered = true
        guard isKept, case .success = result else {
            deadline?.cancel()
            context.close(promise: nil)
            return
        }
        site.connections.enter(.idle, context.channel)
        expect(within: site.patience.idle, nil, context)
        // Lets the next request through, which may have come already.
        context.writeAndFlush(Self.wrapOutboundOut(.end(nil)), promise: nil)
    }

    private func stream(_ request: Request, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let channel = context.channel
        guard site.hub.hasRoom, site.connections.enterStreaming(channel) else {
            refuse(.tooMany, context)
            write(.failure(.serviceUnavailable, "too_many", "too many pages are open"), to: nil, context)
            return
        }
        isStreaming = true
        var headers = HTTPHeaders(Answer.security)
        headers.add(name: "Content-Type", value: "text/event-stream")
        headers.add(name: "Cache-Control", value: "no-store")
        // For a proxy in between that would gather what is to come at once.
        headers.add(name: "X-Accel-Buffering", value: "no")
        headers.add(name: "Connection", value: "close")
        context.writeAndFlush(
            Self.wrapOutboundOut(.head(.init(version: .http1_1, status: .ok, headers: headers))), promise: nil)
        site.hub.add(channel, wantsHealth: request.query["with"] == "health")
    }

    /// Closes the connection unless something happens before.
    private func expect(within patience: TimeAmount, _ refusal: Refusal?, _ context: ChannelHandlerContext) {
        deadline?.cancel()
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        deadline = context.eventLoop.scheduleTask(in: patience) {
            let (handler, context) = bound.value
            if let refusal { handler.refuse(refusal, context) }
            context.close(promise: nil)
        }
    }
}
