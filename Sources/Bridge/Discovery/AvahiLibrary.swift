import Glibc

/// Avahi's client library, as far as it is needed to look for services.
///
/// It is loaded when a broker is to be found by `mdns:`, and not linked: a machine that names its broker needs neither
/// Avahi nor D-Bus, and the program starts there all the same. The declarations follow the library's documented
/// interface, version 3, which has been the same since 2006.
struct AvahiLibrary {
    typealias Poll = OpaquePointer
    typealias Client = OpaquePointer
    typealias Browser = OpaquePointer
    typealias Resolver = OpaquePointer
    typealias Text = UnsafePointer<CChar>
    typealias User = UnsafeMutableRawPointer

    typealias ClientCallback = @convention(c) (Client?, Int32, User?) -> Void
    typealias BrowserCallback =
        @convention(c) (Browser?, Int32, Int32, Int32, Text?, Text?, Text?, UInt32, User?) -> Void
    typealias ResolverCallback =
        @convention(c) (
            Resolver?, Int32, Int32, Int32, Text?, Text?, Text?, Text?, UnsafeRawPointer?, UInt16, OpaquePointer?,
            UInt32, User?
        ) -> Void

    /// Interface and protocol of any kind.
    static let unspecified: Int32 = -1

    /// What a client callback reports.
    enum ClientState: Int32 {
        case registering = 1, running, collision
        case failure = 100, connecting
    }

    /// What a browser callback reports.
    enum BrowserEvent: Int32 {
        case new, remove, cacheExhausted, allForNow, failure
    }

    /// Wait for the daemon instead of failing where it does not run.
    static let noFail: Int32 = 2

    typealias SimplePollNew = @convention(c) () -> Poll?
    typealias SimplePollFree = @convention(c) (Poll?) -> Void
    typealias SimplePollGet = @convention(c) (Poll?) -> OpaquePointer?
    typealias SimplePollIterate = @convention(c) (Poll?, Int32) -> Int32
    typealias SimplePollWakeup = @convention(c) (Poll?) -> Void
    typealias ClientNew =
        @convention(c) (OpaquePointer?, Int32, ClientCallback?, User?, UnsafeMutablePointer<Int32>?) -> Client?
    typealias ClientFree = @convention(c) (Client?) -> Void
    typealias ClientError = @convention(c) (Client?) -> Int32
    typealias BrowserNew =
        @convention(c) (Client?, Int32, Int32, Text?, Text?, UInt32, BrowserCallback?, User?) -> Browser?
    typealias ResolverNew =
        @convention(c) (Client?, Int32, Int32, Text?, Text?, Text?, Int32, UInt32, ResolverCallback?, User?) ->
        Resolver?
    typealias ResolverFree = @convention(c) (Resolver?) -> Int32
    typealias HostCallback =
        @convention(c) (Resolver?, Int32, Int32, Int32, Text?, UnsafeRawPointer?, UInt32, User?) -> Void
    typealias HostResolverNew =
        @convention(c) (Client?, Int32, Int32, Text?, Int32, UInt32, HostCallback?, User?) -> Resolver?
    typealias ErrorText = @convention(c) (Int32) -> Text?
    typealias AddressPrint =
        @convention(c) (UnsafeMutablePointer<CChar>?, Int, UnsafeRawPointer?) -> UnsafeMutablePointer<CChar>?

    let simplePollNew: SimplePollNew
    let simplePollFree: SimplePollFree
    let simplePollGet: SimplePollGet
    let simplePollIterate: SimplePollIterate
    let simplePollWakeup: SimplePollWakeup
    let clientNew: ClientNew
    let clientFree: ClientFree
    let clientError: ClientError
    let browserNew: BrowserNew
    let resolverNew: ResolverNew
    let resolverFree: ResolverFree
    let hostResolverNew: HostResolverNew
    let errorText: ErrorText
    let addressPrint: AddressPrint

    /// Loads the library; nil where it is not installed.
    init?() {
        guard let common = dlopen("libavahi-common.so.3", RTLD_NOW | RTLD_GLOBAL),
            let client = dlopen("libavahi-client.so.3", RTLD_NOW)
        else { return nil }
        guard let simplePollNew = dlsym(common, "avahi_simple_poll_new"),
            let simplePollFree = dlsym(common, "avahi_simple_poll_free"),
            let simplePollGet = dlsym(common, "avahi_simple_poll_get"),
            let simplePollIterate = dlsym(common, "avahi_simple_poll_iterate"),
            let simplePollWakeup = dlsym(common, "avahi_simple_poll_wakeup"),
            let clientNew = dlsym(client, "avahi_client_new"),
            let clientFree = dlsym(client, "avahi_client_free"),
            let clientError = dlsym(client, "avahi_client_errno"),
            let browserNew = dlsym(client, "avahi_service_browser_new"),
            let resolverNew = dlsym(client, "avahi_service_resolver_new"),
            let resolverFree = dlsym(client, "avahi_service_resolver_free"),
            let hostResolverNew = dlsym(client, "avahi_host_name_resolver_new"),
            let errorText = dlsym(common, "avahi_strerror"),
            let addressPrint = dlsym(common, "avahi_address_snprint")
        else { return nil }
        // A function's address is as large as a function pointer; what each takes and gives is declared above.
        self.simplePollNew = unsafeBitCast(simplePollNew, to: SimplePollNew.self)
        self.simplePollFree = unsafeBitCast(simplePollFree, to: SimplePollFree.self)
        self.simplePollGet = unsafeBitCast(simplePollGet, to: SimplePollGet.self)
        self.simplePollIterate = unsafeBitCast(simplePollIterate, to: SimplePollIterate.self)
        self.simplePollWakeup = unsafeBitCast(simplePollWakeup, to: SimplePollWakeup.self)
        self.clientNew = unsafeBitCast(clientNew, to: ClientNew.self)
        self.clientFree = unsafeBitCast(clientFree, to: ClientFree.self)
        self.clientError = unsafeBitCast(clientError, to: ClientError.self)
        self.browserNew = unsafeBitCast(browserNew, to: BrowserNew.self)
        self.resolverNew = unsafeBitCast(resolverNew, to: ResolverNew.self)
        self.resolverFree = unsafeBitCast(resolverFree, to: ResolverFree.self)
        self.hostResolverNew = unsafeBitCast(hostResolverNew, to: HostResolverNew.self)
        self.errorText = unsafeBitCast(errorText, to: ErrorText.self)
        self.addressPrint = unsafeBitCast(addressPrint, to: AddressPrint.self)
    }

    /// Loaded when it is first needed, and kept; nil where it is not installed.
    static let shared = AvahiLibrary()
}
