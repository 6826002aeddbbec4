//! The RPCs of catalog, one file each.

mod create_brand;
mod create_category;
mod create_characteristic;
mod create_import_mapping;
mod create_price_list;
mod create_product;
mod export_feed;
mod get_effective_price;
mod get_product;
mod get_variant;
mod import_feed;
mod list_brands;
mod list_categories;
mod list_characteristics;
mod list_import_mappings;
mod list_price_history;
mod list_price_lists;
mod list_product_history;
mod list_products;
mod quote_items;
mod resolve_barcode;
mod search_variants;
mod set_prices;
mod update_brand;
mod update_category;
mod update_characteristic;
mod update_import_mapping;
mod update_price_list;
mod update_product;

use ::rpc::open;
use proto::catalog::v1 as pb;
use proto::catalog::v1::catalog_service_server::CatalogService;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use export_feed::EXPORTS_MAX;
pub(crate) use quote_items::{Quoter, quoter};

use crate::Catalog;

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl CatalogService for Catalog {
    async fn create_product(&self, request: Request<pb::CreateProductRequest>) -> Answer<pb::Product> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_product::handle(self, &call, request).await?))
    }

    async fn get_product(&self, request: Request<pb::GetProductRequest>) -> Answer<pb::Product> {
        let (_, request) = open(request)?;
        Ok(Response::new(get_product::handle(self, request).await?))
    }

    async fn list_products(
        &self,
        request: Request<pb::ListProductsRequest>,
    ) -> Answer<pb::ListProductsResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_products::handle(self, request).await?))
    }

    async fn update_product(&self, request: Request<pb::UpdateProductRequest>) -> Answer<pb::Product> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_product::handle(self, &call, request).await?))
    }

    async fn get_variant(&self, request: Request<pb::GetVariantRequest>) -> Answer<pb::Variant> {
        let (_, request) = open(request)?;
        Ok(Response::new(get_variant::handle(self, request).await?))
    }

    async fn create_category(&self, request: Request<pb::CreateCategoryRequest>) -> Answer<pb::Category> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_category::handle(self, &call, request).await?))
    }

    async fn list_categories(
        &self,
        request: Request<pb::ListCategoriesRequest>,
    ) -> Answer<pb::ListCategoriesResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_categories::handle(self, request).await?))
    }

    async fn update_category(&self, request: Request<pb::UpdateCategoryRequest>) -> Answer<pb::Category> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_category::handle(self, &call, request).await?))
    }

    async fn create_price_list(&self, request: Request<pb::CreatePriceListRequest>) -> Answer<pb::PriceList> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_price_list::handle(self, &call, request).await?))
    }

    async fn list_price_lists(
        &self,
        request: Request<pb::ListPriceListsRequest>,
    ) -> Answer<pb::ListPriceListsResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_price_lists::handle(self, request).await?))
    }

    async fn update_price_list(&self, request: Request<pb::UpdatePriceListRequest>) -> Answer<pb::PriceList> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_price_list::handle(self, &call, request).await?))
    }

    async fn set_prices(&self, request: Request<pb::SetPricesRequest>) -> Answer<pb::SetPricesResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(set_prices::handle(self, &call, request).await?))
    }

    async fn get_effective_price(
        &self,
        request: Request<pb::GetEffectivePriceRequest>,
    ) -> Answer<pb::EffectivePrice> {
        let (_, request) = open(request)?;
        Ok(Response::new(get_effective_price::handle(self, request).await?))
    }

    async fn quote_items(&self, request: Request<pb::QuoteItemsRequest>) -> Answer<pb::QuoteItemsResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(quote_items::handle(self, request).await?))
    }

    type ImportFeedStream = import_feed::Progress;

    async fn import_feed(
        &self,
        request: Request<Streaming<pb::ImportFeedRequest>>,
    ) -> Answer<Self::ImportFeedStream> {
        let (call, request) = open(request)?;
        Ok(Response::new(import_feed::handle(self, &call, request).await?))
    }

    async fn list_product_history(
        &self,
        request: Request<pb::ListProductHistoryRequest>,
    ) -> Answer<pb::ListProductHistoryResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_product_history::handle(self, request).await?))
    }

    async fn search_variants(
        &self,
        request: Request<pb::SearchVariantsRequest>,
    ) -> Answer<pb::SearchVariantsResponse> {
        let (call, request) = open(request)?;
        Ok(Response::new(search_variants::handle(self, &call, request).await?))
    }

    async fn resolve_barcode(
        &self,
        request: Request<pb::ResolveBarcodeRequest>,
    ) -> Answer<pb::ResolvedBarcode> {
        let (_, request) = open(request)?;
        Ok(Response::new(resolve_barcode::handle(self, request).await?))
    }

    async fn list_price_history(
        &self,
        request: Request<pb::ListPriceHistoryRequest>,
    ) -> Answer<pb::ListPriceHistoryResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_price_history::handle(self, request).await?))
    }

    async fn create_brand(&self, request: Request<pb::CreateBrandRequest>) -> Answer<pb::Brand> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_brand::handle(self, &call, request).await?))
    }

    async fn list_brands(&self, request: Request<pb::ListBrandsRequest>) -> Answer<pb::ListBrandsResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_brands::handle(self, request).await?))
    }

    async fn update_brand(&self, request: Request<pb::UpdateBrandRequest>) -> Answer<pb::Brand> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_brand::handle(self, &call, request).await?))
    }

    async fn create_characteristic(
        &self,
        request: Request<pb::CreateCharacteristicRequest>,
    ) -> Answer<pb::Characteristic> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_characteristic::handle(self, &call, request).await?))
    }

    async fn list_characteristics(
        &self,
        request: Request<pb::ListCharacteristicsRequest>,
    ) -> Answer<pb::ListCharacteristicsResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_characteristics::handle(self, request).await?))
    }

    async fn update_characteristic(
        &self,
        request: Request<pb::UpdateCharacteristicRequest>,
    ) -> Answer<pb::Characteristic> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_characteristic::handle(self, &call, request).await?))
    }

    async fn create_import_mapping(
        &self,
        request: Request<pb::CreateImportMappingRequest>,
    ) -> Answer<pb::ImportMapping> {
        let (call, request) = open(request)?;
        Ok(Response::new(create_import_mapping::handle(self, &call, request).await?))
    }

    async fn list_import_mappings(
        &self,
        request: Request<pb::ListImportMappingsRequest>,
    ) -> Answer<pb::ListImportMappingsResponse> {
        let (_, request) = open(request)?;
        Ok(Response::new(list_import_mappings::handle(self, request).await?))
    }

    async fn update_import_mapping(
        &self,
        request: Request<pb::UpdateImportMappingRequest>,
    ) -> Answer<pb::ImportMapping> {
        let (call, request) = open(request)?;
        Ok(Response::new(update_import_mapping::handle(self, &call, request).await?))
    }

    type ExportFeedStream = export_feed::Chunks;

    async fn export_feed(&self, request: Request<pb::ExportFeedRequest>) -> Answer<Self::ExportFeedStream> {
        let (call, request) = open(request)?;
        Ok(Response::new(export_feed::handle(self, &call, request).await?))
    }
}
