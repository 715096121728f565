#!/usr/bin/python3
"""Gives the answer that the query names."""
import os
import sys

ANSWERS = {
    "plain": "Content-Type: text/plain\n\nplain\n",
    "crlf": "Content-Type: text/plain\r\nX-Kind: crlf\r\n\r\ncrlf\r\n",
    "created": "Status: 201 Made Here\nContent-Type: text/plain\n\nmade\n",
    "teapot": "Status: 418 I'm a teapot\nContent-Type: text/plain\n\nshort and stout\n",
    "gone": "Status: 410\nContent-Type: text/plain\n\ngone\n",
    "empty": "Status: 204 No Content\nX-Kind: empty\n\n",
    "cookies": "Content-Type: text/plain\nSet-Cookie: a=1\nSet-Cookie: b=2\n\ntwo cookies\n",
    "client": "Location: http://elsewhere.example/there?x=1#y\n\n",
    "client-document": "Status: 303 See Other\nLocation: http://elsewhere.example/there\nContent-Type: text/plain\n\nover there\n",
    "status-and-path": "Status: 301 Moved\nLocation: /cgi-bin/answer.py?plain\nContent-Type: text/plain\n\nmoved\n",
    "local": "Location: /cgi-bin/answer.py?plain\n\n",
    "local-variables": "Location: /cgi-bin/variables.pl/behind?q=1\n\n",
    "unmodified": "Status: 304 Not Modified\nETag: \"v1\"\n\n",
    "long": "Content-Type: text/plain\nContent-Length: 5\n\n12345",
    "utf8": "Content-Type: text/plain; charset=utf-8\n\ngr\u00fc\u00dfe \u4f60\u597d\n",
}
sys.stdout.buffer.write(ANSWERS[os.environ["QUERY_STRING"]].encode())
