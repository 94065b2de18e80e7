import Testing

@testable import Devices

@Suite struct JSONTreeTests {
    func tree(_ text: String, skipping: [String] = []) throws(JSONTree.Failure) -> JSONTree {
        let bytes = Array(text.utf8)
        var result: Result<JSONTree, JSONTree.Failure> = .failure(.tooManyNodes)
        bytes.withUnsafeBytes { raw in
            do throws(JSONTree.Failure) { result = .success(try JSONTree(raw, skipping: skipping)) } catch { result = .failure(error) }
        }
        return try result.get()
    }

    @Test func everythingIsFound() throws {
        let tree = try tree(#" {"a": [1, "x\u0041", true, false, null, {}], "b": {"c": -2.5}, "a2": 1, "b": {"c": 3}} "#)
        let list = try #require(tree["a"]?.elements)
        #expect(list[0].number == 1 && list[1].text == "xA" && list[2].flag == true && list[3].flag == false && list[4].isNull)
        #expect(list[5].members?.isEmpty == true && list.count == 6)
        #expect(tree["b"]?["c"]?.number == 3, "the last of two counts")
        #expect(tree["c"] == nil && tree["a"]?["x"] == nil && list[0].text == nil)
    }

    @Test func whatIsSkippedIsCheckedAndLeftOut() throws {
        let tree = try tree(#"{"s": [{"deep": 1}], "t": {"s": 2, "u": 3}}"#, skipping: ["s"])
        #expect(tree["s"] == nil && tree["t"]?["s"] == nil && tree["t"]?["u"]?.number == 3)
        #expect(throws: JSONTree.Failure.self) { try self.tree(#"{"s": [}"#, skipping: ["s"]) }
    }

    @Test(arguments: ["", "{", "[1,]", "[1 2]", #"{"a"}"#, #"{"a":1,}"#, "nul", "[1]x", "\"a", "1e999"])
    func whatIsMalformedGivesNoTree(text: String) {
        let failure = #expect(throws: JSONTree.Failure.self) { try tree(text) }
        #expect(failure?.reason.contains("JSON") == true)
    }

    @Test func thereAreLimits() throws {
        let deep = String(repeating: "[", count: 64) + String(repeating: "]", count: 64)
        #expect(throws: JSONTree.Failure.self) { try tree(deep) }
        #expect(try tree(String(repeating: "[", count: 32) + String(repeating: "]", count: 32)).elements?.count == 1)
        let wide = "[" + String(repeating: "0,", count: JSONTree.nodesMax) + "0]"
        #expect(#expect(throws: JSONTree.Failure.self) { try tree(wide) }?.reason.contains("values") == true)
        let long = "\"" + String(repeating: "a", count: JSONTree.bytesMax) + "\""
        #expect(#expect(throws: JSONTree.Failure.self) { try tree(long) }?.reason.contains("MiB") == true)
    }
}
