#!/usr/bin/env python3
"""Replays the sales of the public "Online Retail" data set (UCI, CC BY 4.0) over Korob's REST interface.

Brings in what the file sells (goods as a feed, postage and the like as services), receives the units it needs, places
one order per invoice at the prices of the file, and compares every total with the file to the penny. Only the standard
library is used.

    replay.py --base http://127.0.0.1:8080 --key korob_… --shop shp_… --source src_… online-retail.csv

The key needs the scopes catalog.write, inventory.write, orders.write and orders.price. The file is `;` separated with
decimal commas, as published in spreadsheets of continental locales. Exit status 1 when a total differs.
"""

import argparse
import collections
import concurrent.futures
import csv
import decimal
import html
import http.client
import json
import re
import sys
import threading
import time
import urllib.parse

GOODS = re.compile(r"^\d{5}")
CURRENCY = "GBP"
CLIENTS = 8
ATTEMPTS_MAX = 10
RECEIPT_LINES_MAX = 1000


class Gateway:
    """A REST client with one connection per thread."""

    def __init__(self, base, key):
        self.address = urllib.parse.urlsplit(base).netloc
        self.key = key
        self.local = threading.local()

    def post(self, path, body, idempotency_key, content_type="application/json"):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {
            "Authorization": f"Bearer {self.key}",
            "Content-Type": content_type,
            "Idempotency-Key": idempotency_key,
        }
        for attempt in range(ATTEMPTS_MAX):
            connection = getattr(self.local, "connection", None)
            if connection is None:
                connection = self.local.connection = http.client.HTTPConnection(self.address, timeout=60)
            try:
                connection.request("POST", path, data, headers)
                response = connection.getresponse()
                status, answer = response.status, response.read().decode()
            except (ConnectionError, http.client.HTTPException):
                # Whether it was done is not known. The same key makes asking again safe.
                connection.close()
                self.local.connection = None
                time.sleep(attempt)
                continue
            if status not in (429, 503):
                return status, answer
            time.sleep(float(response.headers.get("Retry-After", 1)))
        sys.exit(f"POST {path} was not answered in {ATTEMPTS_MAX} attempts")


def read(path):
    """The lines of sales invoices, and the rows that no order can be made of."""
    invoices, dirty = collections.OrderedDict(), []
    with open(path, encoding="utf-8-sig", newline="") as file:
        for number, row in enumerate(csv.DictReader(file, delimiter=";"), start=2):
            if row["InvoiceNo"].startswith("C"):
                continue  # A return.
            try:
                quantity = int(row["Quantity"])
                price = decimal.Decimal(row["UnitPrice"].replace(",", "."))
            except (ValueError, decimal.InvalidOperation):
                dirty.append((number, row, "not a number"))
                continue
            if quantity <= 0:
                dirty.append((number, row, "a stock correction, not a sale: quantity is not positive"))
            elif price < 0:
                dirty.append((number, row, "negative price"))
            elif price == 0 and not row["Description"].strip():
                dirty.append((number, row, "neither price nor description"))
            else:
                line = (row["StockCode"].strip(), quantity, price, row["Description"].strip() or row["StockCode"])
                invoices.setdefault(row["InvoiceNo"], []).append(line)
    return invoices, dirty


def feed(goods):
    """A YML feed of the goods; the price is the first that is not nothing."""
    offers = "".join(
        f'<offer id="{html.escape(sku)}" available="true"><price>{price}</price><currencyId>{CURRENCY}</currencyId>'
        f"<categoryId>1</categoryId><name>{html.escape(name)}</name><vendorCode>{html.escape(sku)}</vendorCode></offer>\n"
        for sku, (name, price) in goods.items()
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<yml_catalog date="2010-12-01 00:00"><shop><name>Online Retail</name>\n'
        f'<currencies><currency id="{CURRENCY}" rate="1"/></currencies>\n'
        f'<categories><category id="1">Gifts</category></categories>\n<offers>\n{offers}</offers></shop></yml_catalog>\n'
    ).encode()


def prepare(gateway, arguments, invoices):
    """Catalog and stock for everything the invoices sell."""
    goods, services, units = {}, {}, collections.Counter()
    for lines in invoices.values():
        for sku, quantity, price, name in lines:
            kind = goods if GOODS.match(sku) else services
            known = kind.get(sku)
            if known is None or known[1] == 0:
                kind[sku] = (name, price)
            if kind is goods:
                units[sku] += quantity
    priced = {sku: (name, price or decimal.Decimal("0.01")) for sku, (name, price) in goods.items()}
    path = f"/v1/feeds/yml?sourceId={arguments.source}"
    status, answer = gateway.post(path, feed(priced), "online-retail-feed", "application/xml")
    last = json.loads(answer.strip().splitlines()[-1])
    print(f"feed: {status}, {last.get('createdCount')} created, {last.get('unchangedCount')} unchanged, {last.get('errorCount')} refused")
    for sku, (name, _) in services.items():
        product = {"product": {"kind": "PRODUCT_KIND_SERVICE", "name": name, "variants": [{"sku": sku}]}}
        status, answer = gateway.post("/v1/products", product, f"online-retail-{urllib.parse.quote(sku)}")
        if status not in (200, 201) and "SKU_TAKEN" not in answer:
            sys.exit(f"the service {sku} was answered {status}: {answer}")
    print(f"services: {', '.join(sorted(services))}")
    status, answer = gateway.post("/v1/warehouses", {"warehouse": {"name": "Online Retail"}}, "online-retail-warehouse")
    warehouse = json.loads(answer)["warehouseId"]
    lines = [{"sku": sku, "quantity": str(quantity)} for sku, quantity in sorted(units.items())]
    for at in range(0, len(lines), RECEIPT_LINES_MAX):
        receipt = {"warehouseId": warehouse, "lines": lines[at : at + RECEIPT_LINES_MAX]}
        status, answer = gateway.post("/v1/stock/receive", receipt, f"online-retail-receipt-{at}")
        if status not in (200, 201):
            sys.exit(f"the receipt was answered {status}: {answer}")
    print(f"stock: {sum(units.values())} units of {len(units)} SKUs received")


def place(gateway, arguments, invoice, lines):
    """Places one invoice; answers the total of the file and what the gateway said."""
    order = {
        "shopId": arguments.shop,
        "sourceId": arguments.source,
        "externalId": invoice,
        "method": "ORDER_METHOD_OFFLINE",
        "currencyCode": CURRENCY,
        "lines": [
            {"sku": sku, "quantity": quantity, "name": name, "unitPrice": {"amount": str(price), "currencyCode": CURRENCY}}
            for sku, quantity, price, name in lines
        ],
    }
    status, answer = gateway.post("/v1/orders", order, f"online-retail-{invoice}")
    return sum(quantity * price for _, quantity, price, _ in lines), status, json.loads(answer)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("base", "key", "shop", "source"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("file")
    arguments = parser.parse_args()
    invoices, dirty = read(arguments.file)
    gateway = Gateway(arguments.base, arguments.key)
    prepare(gateway, arguments, invoices)

    expected, placed, differing, count = decimal.Decimal(0), decimal.Decimal(0), [], 0
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as clients:
        answers = clients.map(lambda item: (item[0], *place(gateway, arguments, *item)), invoices.items())
        for invoice, total, status, answer in answers:
            expected += total
            amount = decimal.Decimal(answer.get("total", {}).get("amount", 0)) if status in (200, 201) else None
            if amount is None:
                differing.append(f"invoice {invoice} was answered {status}: {answer}")
                continue
            count += 1
            placed += amount
            if amount != total:
                differing.append(f"invoice {invoice}: the file says {total}, the order says {amount}")
    for number, row, why in dirty:
        print(f"row {number}: {row['InvoiceNo']} {row['StockCode']} × {row['Quantity']} at {row['UnitPrice']}: {why}")
    for line in differing:
        print(line)
    print(f"{len(invoices)} invoices, {count} placed; {len(dirty)} dirty rows left out")
    print(f"file {expected} {CURRENCY}, orders {placed} {CURRENCY}, difference {expected - placed}")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    main()
