import Foundation
import Testing

@testable import Bridge

@Suite("docs/topics.md")
struct TopicsPageTests {
    private static let path: String = {
        "\(#filePath)".split(separator: "/").dropLast(4).map { "/" + $0 }.joined() + "/docs/topics.md"
    }()

    @Test("has the tables of quantities as they are: VEBRIDGE_UPDATE_DOCS=1 swift test --filter topicsPage")
    func topicsPage() throws {
        let committed = try String(contentsOfFile: Self.path, encoding: .utf8)
        var page = committed
        for owner in Quantity.Owner.allCases {
            let begin = "<!-- table: \(owner.rawValue) -->\n"
            let start = try #require(page.range(of: begin), "docs/topics.md has no table of \(owner)")
            let end = try #require(page.range(of: "<!-- end -->", range: start.upperBound..<page.endIndex))
            page.replaceSubrange(start.upperBound..<end.lowerBound, with: "\n" + Quantity.page(of: owner) + "\n")
        }
        if getenv("VEBRIDGE_UPDATE_DOCS") != nil {
            try page.write(toFile: Self.path, atomically: true, encoding: .utf8)
        } else {
            let isCurrent = page == committed
            #expect(isCurrent, "run VEBRIDGE_UPDATE_DOCS=1 swift test --filter topicsPage")
        }
    }
}
