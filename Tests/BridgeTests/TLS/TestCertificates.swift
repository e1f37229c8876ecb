import Bridge
import Glibc
import Testing

@testable import Bridge

/// Two authorities and what they signed, made by openssl in a directory of their own.
final class TestCertificates: Sendable {
    struct Failure: Error {}
    let directory: String

    static let isPossible = PrivateBroker.find("openssl") != nil

    /// Made once for all tests, since making them takes time; gone with the process.
    static func shared() async throws -> TestCertificates {
        try await onOwnThread { made }.get()
    }

    private static let made: Result<TestCertificates, Failure> = {
        guard let certificates = try? TestCertificates() else { return .failure(Failure()) }
        // A handler for the end of a process gets no argument, so it looks here.
        atexit { if case .success(let made) = TestCertificates.made { made.remove() } }
        return .success(certificates)
    }()

    /// The path for a file that a test writes, of no other test.
    func scratch(_ name: String) -> String { path("\(name)-\(UInt64.random(in: 0...UInt64.max))") }

    private func remove() { _ = system("rm -r '\(directory)'") }

    /// The path of one of the files: `ca.pem`, `good.pem`, `good.key` and so on.
    func path(_ name: String) -> String { directory + "/" + name }
    var authority: String { path("ca.pem") }

    /// Lines for a broker with a certificate: the port speaks TLS only.
    func broker(_ name: String = "good") -> [String] {
        ["certfile \(path(name + ".pem"))", "keyfile \(path(name + ".key"))"]
    }

    /// The fingerprint as openssl prints it.
    func fingerprint(_ name: String) throws -> CertificateFingerprint {
        let text = String(decoding: try Configuration.readFile(path(name + ".print"), limit: 4096), as: UTF8.self)
        let digits = text.split(separator: "=").last.map { $0.filter { !$0.isWhitespace } } ?? ""
        return try CertificateFingerprint(digits).orThrow(Failure())
    }

    private init() throws {
        var template = Array("/tmp/certificates-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { $0.baseAddress.flatMap { mkdtemp($0) } }
        directory = String(cString: try made.orThrow(Failure()))
        let script = """
            cd \(directory) && exec >log 2>&1 && set -e
            new="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
            openssl req -x509 $new -days 2 -subj /CN=authority -keyout ca.key -out ca.pem
            openssl req -x509 $new -days 2 -subj /CN=stranger -keyout other.key -out other.pem
            openssl req -x509 $new -days 2 -subj /O=boat/CN=self -keyout self.key -out self.pem
            openssl req -x509 $new -days 2 -subj /O=boat/CN=self -keyout changed.key -out changed.pem
            signed() { # name, subject, names, authority
                openssl req $new -subj "$2" -keyout $1.key -out $1.csr
                printf "subjectAltName=$3" > $1.names
                openssl x509 -req -in $1.csr -CA $4.pem -CAkey $4.key -CAcreateserial -days 2 -extfile $1.names -out $1.pem
            }
            signed good /CN=localhost DNS:localhost ca
            signed byaddress /CN=localhost DNS:localhost,IP:127.0.0.1 ca
            signed elsewhere /CN=elsewhere.example DNS:elsewhere.example ca
            signed foreign /CN=localhost DNS:localhost other
            signed client /CN=vebridge DNS:vebridge ca
            openssl req $new -subj /CN=localhost -keyout expired.key -out expired.csr
            printf "subjectAltName=DNS:localhost" > expired.names
            touch index; echo 77 > serial
            printf '[ca]\\ndefault_ca=d\\n[d]\\nnew_certs_dir=.\\ndatabase=index\\nserial=serial\\npolicy=p\\n[p]\\ncommonName=supplied\\n' > ca.conf
            openssl ca -batch -config ca.conf -md sha256 -cert ca.pem -keyfile ca.key -in expired.csr -out expired.pem \\
                -startdate 20200101000000Z -enddate 20200201000000Z -extfile expired.names -notext
            for name in good self changed elsewhere foreign; do
                openssl x509 -in $name.pem -noout -fingerprint -sha256 > $name.print
            done
            """
        guard system(script) == 0 else { throw Failure() }
    }

}
