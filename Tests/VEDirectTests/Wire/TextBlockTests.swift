import Testing
import VEDirect

@Suite("TEXT blocks")
struct TextBlockTests {
    private func block(_ bytes: [UInt8]) throws -> TextBlock {
        var found: TextBlock?
        var decoder = StreamDecoder()
        decoder.decode(bytes) { event in
            if case .text(let block) = event { found = block }
        }
        return try #require(found)
    }

    private func block(_ fields: [String]) throws -> TextBlock { try block(GeneratedStream.block(fields)) }

    @Test("docs/vedirect.md 4: labels and values come in the order of the wire, without the checksum")
    func order() throws {
        let block = try block(["PID=0xA056", "FW=161", "SER#=HQ19499RHC5", "V=11880", "T=---", "LOAD=ON"])
        var fields: [String] = []
        block.forEachField { fields.append($0 + "=" + $1) }
        #expect(fields == ["PID=0xA056", "FW=161", "SER#=HQ19499RHC5", "V=11880", "T=---", "LOAD=ON"])
        #expect(block.value(of: "V") == "11880")
        #expect(block.value(of: "v") == nil)
        #expect(block.value(of: "Checksum") == nil)
        #expect(block.fields["SER#"] == "HQ19499RHC5")
        #expect(block.fields.count == 6)
    }

    @Test("A label that comes twice: the first for a question, the last among all")
    func twice() throws {
        let block = try block(["H1=5", "H1=6"])
        #expect(block.value(of: "H1") == "5")
        #expect(block.fields == ["H1": "6"])
    }

    @Test("An empty value is a value; spaces and high bytes are kept as they came")
    func oddValues() throws {
        var bytes = Array("\r\nBMV\t\r\nN\t a b \r\nX\t".utf8) + [0xE9, 0x80] + Array("\r\nChecksum\t".utf8)
        bytes.append(0 &- bytes.reduce(0, &+))
        let fields = try block(bytes).fields
        #expect(fields == ["BMV": "", "N": " a b ", "X": "\u{E9}\u{80}"])
    }

    @Test("A tab inside a value belongs to the value; a line without a tab is no field")
    func oddLines() throws {
        var bytes = Array("\r\nA\t1\t2\r\nnothing\r\nB\t3\r\nChecksum\t".utf8)
        bytes.append(0 &- bytes.reduce(0, &+))
        let fields = try block(bytes).fields
        #expect(fields == ["A": "1\t2", "B": "3"])
    }

    @Test("docs/vedirect.md 4: the size counts the bytes before the checksum byte")
    func size() throws {
        let bytes = GeneratedStream.block(["PID=0xA056", "V=11880"])
        #expect(try block(bytes).size == bytes.count - 1)
    }

    @Test("docs/vedirect.md 4: after a lost tail only the block that is whole is given")
    func resynchronised() throws {
        // The first block's end never came: the second one's fields must stand alone.
        let whole = GeneratedStream.block(["PID=0xA056", "V=11880"])
        let block = try block(Array("\r\nH20\t1\r\nHSDS\t5".utf8) + whole)
        #expect(block.fields == ["PID": "0xA056", "V": "11880"])
        #expect(block.size == whole.count - 1)
    }
}
